import { kindsOf, SIGN_INS } from './event-kinds.ts';

/** The filter in the page's address; empty fields do not filter, except that `kind` then leaves out sign-ins. */
export interface HistoryFilter {
  readonly project: string;
  /** A kind, a group of kinds, or `all`. */
  readonly kind: string;
  /** UUID of a user. */
  readonly person: string;
  /** The name of what the entries are about. */
  readonly subject: string;
  /** First and last day (`2026-11-22`) in local time. */
  readonly from: string;
  readonly to: string;
}

export const noFilter: HistoryFilter = {
  project: '',
  kind: '',
  person: '',
  subject: '',
  from: '',
  to: '',
};

/** Every kind, sign-ins too. */
export const ALL_KINDS = 'all';

const validators: Readonly<Record<keyof HistoryFilter, (value: string) => boolean>> = {
  project: (value) => /^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$/.test(value),
  kind: (value) => value === ALL_KINDS || kindsOf(value) !== undefined,
  person: (value) => /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(value),
  // Control characters are refused by the server.
  subject: (value) => value.length <= 300 && /^\P{Cc}+$/u.test(value),
  from: isDay,
  to: isDay,
};

const names = ['project', 'kind', 'person', 'subject', 'from', 'to'] as const;

/** Reads a filter from an address; invalid values are ignored. */
export function readFilter(search: URLSearchParams): HistoryFilter {
  const filter = { ...noFilter };
  for (const name of names) {
    const value = search.get(name) ?? '';
    if (validators[name](value)) filter[name] = value;
  }
  return filter;
}

/** A filter as query parameters, in a fixed order. */
export function filterSearch(filter: HistoryFilter): Record<string, string> {
  return Object.fromEntries(names.flatMap((name) => (filter[name] ? [[name, filter[name]]] : [])));
}

export function isFiltered(filter: HistoryFilter): boolean {
  return names.some((name) => filter[name] !== '');
}

/** The filter fields of ListHistory and ExportHistory. */
export interface WireFilter {
  readonly project?: string;
  readonly kinds?: string[];
  readonly excludedKinds?: string[];
  readonly subject?: string;
  readonly actorUserId?: string;
  readonly since?: string;
  readonly until?: string;
}

/** A filter as request fields. Days start at local midnight; the last day is included. */
export function wireFilter(filter: HistoryFilter): WireFilter {
  const { project, kind, person, subject, from, to } = filter;
  return {
    ...(project && { project }),
    ...wireKinds(kind),
    ...(subject && { subject }),
    ...(person && { actorUserId: person }),
    ...(from && { since: midnight(from, 0) }),
    ...(to && { until: midnight(to, 1) }),
  };
}

function wireKinds(kind: string): Pick<WireFilter, 'kinds' | 'excludedKinds'> {
  if (kind === ALL_KINDS) return {};
  if (kind === '') return { excludedKinds: [...(kindsOf(SIGN_INS) ?? [])] };
  return { kinds: [...(kindsOf(kind) ?? [])] };
}

/** The local midnight at the start of a day, moved by a number of days, as RFC 3339. */
function midnight(day: string, offset: number): string {
  const [year = 0, month = 1, date = 1] = day.split('-').map(Number);
  return new Date(year, month - 1, date + offset).toISOString();
}

function isDay(value: string): boolean {
  // Bounded years, because the contract requires four digits. The comparison rejects the 31st of February.
  if (!/^(19|20)\d{2}-\d{2}-\d{2}$/.test(value)) return false;
  const date = new Date(`${value}T00:00:00Z`);
  return !Number.isNaN(date.getTime()) && date.toISOString().startsWith(value);
}
