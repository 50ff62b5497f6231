/** What of the history is asked for, as it stands in the address; empty means all. */
export interface HistoryFilter {
  readonly project: string;
  readonly kind: string;
  /** UUID of a user. */
  readonly person: string;
  /** First and last day, as in `2026-11-22`, in the reader's time zone. */
  readonly from: string;
  readonly to: string;
}

export const noFilter: HistoryFilter = { project: '', kind: '', person: '', from: '', to: '' };

const shapes: Readonly<Record<keyof HistoryFilter, (value: string) => boolean>> = {
  project: (value) => /^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$/.test(value),
  kind: (value) => /^[a-z_.]{1,100}$/.test(value),
  person: (value) => /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(value),
  from: isDay,
  to: isDay,
};

const names = ['project', 'kind', 'person', 'from', 'to'] as const;

/** The filter in an address. What cannot be one (somebody mistyped it) counts as not given. */
export function readFilter(search: URLSearchParams): HistoryFilter {
  const filter = { ...noFilter };
  for (const name of names) {
    const value = search.get(name) ?? '';
    if (shapes[name](value)) filter[name] = value;
  }
  return filter;
}

/** The part of the address for a filter: what is given, always in the same order. */
export function filterSearch(filter: HistoryFilter): Record<string, string> {
  return Object.fromEntries(names.flatMap((name) => (filter[name] ? [[name, filter[name]]] : [])));
}

export function isFiltered(filter: HistoryFilter): boolean {
  return names.some((name) => filter[name] !== '');
}

/** What requests for the history, and for it as a file, have in common. */
export interface WireFilter {
  readonly project?: string;
  readonly kind?: string;
  readonly actorUserId?: string;
  readonly since?: string;
  readonly until?: string;
}

/** The request's part for a filter. Days begin and end at the reader's midnight; the last day is part of it. */
export function wireFilter(filter: HistoryFilter): WireFilter {
  const { project, kind, person, from, to } = filter;
  return {
    ...(project && { project }),
    ...(kind && { kind }),
    ...(person && { actorUserId: person }),
    ...(from && { since: midnight(from, 0) }),
    ...(to && { until: midnight(to, 1) }),
  };
}

/** Midnight at the beginning of a day, or of one that many days later, in RFC 3339. */
function midnight(day: string, later: number): string {
  const [year = 0, month = 1, date = 1] = day.split('-').map(Number);
  return new Date(year, month - 1, date + later).toISOString();
}

function isDay(value: string): boolean {
  // Four digits, so that the moment is one that the contract can write; `Date` finds the 31st of February.
  if (!/^(19|20)\d{2}-\d{2}-\d{2}$/.test(value)) return false;
  const moment = new Date(`${value}T00:00:00Z`);
  return !Number.isNaN(moment.getTime()) && moment.toISOString().startsWith(value);
}
