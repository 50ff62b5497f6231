/** What of an organisation's history is asked for; null leaves a filter out. */
export interface HistoryQuery {
  readonly organisationId: string;
  /** Only what a member may see: this one. */
  readonly member: string | null;
  readonly projectId: string | null;
  readonly releaseIntentId: string | null;
  readonly kind: string | null;
  readonly actorId: string | null;
  /** Only entries with a smaller id, or with a larger one. */
  readonly before: number | null;
  readonly after: number | null;
  readonly since: Date | null;
  readonly until: Date | null;
}

/**
 * Entries are told in the order of their ids, and times follow that order up to what servers' clocks differ: the id of the
 * last entry that is older by so much is before every entry of the span, and the first that is younger is after them.
 */
const CLOCKS_APART = `interval '1 hour'`;

/** What each filter asks of an entry; `$` stands for the filter's parameter. */
const FILTERS: Readonly<Record<Exclude<keyof HistoryQuery, 'organisationId'>, string>> = {
  member: `(not starts_with(h.kind, 'account.') or h.actor_id = $::uuid)`,
  projectId: 'h.project_id = $::uuid',
  releaseIntentId: 'h.release_intent_id = $::uuid',
  kind: 'h.kind = $::text',
  actorId: 'h.actor_id = $::uuid',
  before: 'h.id < $::bigint',
  after: 'h.id > $::bigint',
  since: `h.at >= $::timestamptz
      and h.id > coalesce((select b.id from history b where b.organisation_id = $1 and b.at < $::timestamptz - ${CLOCKS_APART}
                            order by b.at desc, b.id desc limit 1), 0)`,
  until: `h.at < $::timestamptz
      and h.id < coalesce((select b.id from history b where b.organisation_id = $1 and b.at > $::timestamptz + ${CLOCKS_APART}
                            order by b.at, b.id limit 1), 9223372036854775807)`,
};

type FilterName = keyof typeof FILTERS;
const FILTER_NAMES = Object.keys(FILTERS) as FilterName[];

/**
 * The condition on `history h` for a query whose organisation is `$1`, with its parameters from `$2` on. `names` tell
 * which filters it has: each set of them is a statement of its own, whose plan follows the index of one.
 */
export function filtered(query: HistoryQuery): {
  names: string;
  where: string;
  params: (string | number | Date)[];
} {
  const params: (string | number | Date)[] = [query.organisationId];
  const given: FilterName[] = [];
  for (const name of FILTER_NAMES) {
    const value = query[name];
    if (value === null) continue;
    given.push(name);
    params.push(value);
  }
  const conditions = given.map(
    (filter, index) => `\n      and ${FILTERS[filter].replaceAll('$:', `$${index + 2}:`)}`,
  );
  return { names: given.join('_'), where: `h.organisation_id = $1${conditions.join('')}`, params };
}
