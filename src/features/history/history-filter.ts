/** The filter in the page's address; empty fields do not filter. */
export interface HistoryFilter {
  readonly project: string;
  readonly kind: string;
  /** UUID of a user. */
  readonly person: string;
  /** First and last day (`2026-11-22`) in local time. */
  readonly from: string;
  readonly to: string;
}

export const noFilter: HistoryFilter = { project: '', kind: '', person: '', from: '', to: '' };

const validators: Readonly<Record<keyof HistoryFilter, (value: string) => boolean>> = {
  project: (value) => /^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$/.test(value),
  kind: (value) => /^[a-z_.]{1,100}$/.test(value),
  person: (value) => /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(value),
  from: isDay,
  to: isDay,
};

const names = ['project', 'kind', 'person', 'from', 'to'] as const;

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
  readonly kind?: string;
  readonly actorUserId?: string;
  readonly since?: string;
  readonly until?: string;
}

/** A filter as request fields. Days start at local midnight; the last day is included. */
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
