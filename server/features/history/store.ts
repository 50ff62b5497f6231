import { type Executor, type Statement, statement } from '#server/db/database.ts';
import type { Content } from './chain.ts';

/** An entry on its way to the database: its content, and the hash of that in hexadecimal. */
export type NewEntry = Content & { readonly content_hash: string };

/**
 * Appends entries, given as JSON, in the order of their organisations, which rules out deadlocks. Triggers link each entry to
 * the previous one and refuse every other kind of write.
 */
export const appendHistory = statement<[entries: string]>(
  'history.append',
  `insert into history (organisation_id, project_id, release_intent_id, at, kind, actor_id, actor_username,
                        credential_id, credential_kind, address, request_id, subject, before, after, content_hash)
   select organisation_id, project_id, release_intent_id, at, kind, actor_id, actor_username, credential_id,
          credential_kind, address, request_id, subject, before, after, decode(content_hash, 'hex')
     from rows from (jsonb_to_recordset($1::jsonb) as (
            organisation_id uuid, project_id uuid, release_intent_id uuid, at timestamptz, kind text, actor_id uuid,
            actor_username text, credential_id uuid, credential_kind text, address text, request_id text, subject text,
            before jsonb, after jsonb, content_hash text)) with ordinality as e
    order by organisation_id, ordinality`,
);

/** A user's name and organisations. */
export const findUserOrganisations = statement<
  [userId: string],
  { username: string; organisationIds: readonly string[] }
>(
  'history.find_user_organisations',
  `select u.username,
          array(select m.organisation_id::text from memberships m where m.user_id = u.id order by 1) as "organisationIds"
     from users u where u.id = $1`,
);

/** Which entries of an organisation are requested; null leaves a filter out. */
export interface HistoryQuery {
  readonly organisationId: string;
  /** Leaves out other users' account entries, which this member may not see. */
  readonly member: string | null;
  readonly projectId: string | null;
  readonly releaseIntentId: string | null;
  /** Of these kinds, each named once. */
  readonly kinds: readonly string[] | null;
  readonly excludedKinds: readonly string[] | null;
  readonly subject: string | null;
  readonly actorId: string | null;
  /** Entries with a smaller id. */
  readonly before: number | null;
  /** Entries with a larger id. */
  readonly after: number | null;
  readonly since: Date | null;
  readonly until: Date | null;
}

/**
 * The condition for each filter; `$` is its parameter. Entries are ordered by id, and their times follow that order up to the
 * difference between servers' clocks, taken as at most an hour: this bounds the ids of a time span.
 */
const CONDITIONS: Readonly<Record<Exclude<keyof HistoryQuery, 'organisationId' | 'kinds'>, string>> = {
  member: `(not starts_with(h.kind, 'account.') or h.actor_id = $::uuid)`,
  projectId: 'h.project_id = $::uuid',
  releaseIntentId: 'h.release_intent_id = $::uuid',
  excludedKinds: 'h.kind <> all($::text[])',
  subject: 'h.subject = $::text',
  actorId: 'h.actor_id = $::uuid',
  before: 'h.id < $::bigint',
  after: 'h.id > $::bigint',
  since: `h.at >= $::timestamptz
      and h.id > coalesce((select b.id from history b
                            where b.organisation_id = $1 and b.at < $::timestamptz - interval '1 hour'
                            order by b.at desc, b.id desc limit 1), 0)`,
  until: `h.at < $::timestamptz
      and h.id < coalesce((select b.id from history b
                            where b.organisation_id = $1 and b.at > $::timestamptz + interval '1 hour'
                            order by b.at, b.id limit 1), 9223372036854775807)`,
};

const FILTERS = ['kinds', ...(Object.keys(CONDITIONS) as (keyof typeof CONDITIONS)[])] as const;

type Param = string | number | Date | readonly string[];

export interface Bound<Row> {
  readonly statement: Statement<readonly Param[], Row>;
  readonly params: readonly Param[];
}

/**
 * Each set of filters is a statement of its own, so that PostgreSQL plans it with the index of its filter. With `kinds` it reads
 * the newest entries of each kind by their index: however rare they are, it does not read all others.
 */
function bind<Row>(
  name: string,
  columns: string,
  joins: string,
  query: HistoryQuery,
  order: string,
  limit: number,
): Bound<Row> {
  const params: Param[] = [query.organisationId];
  let fullName = name;
  let where = 'h.organisation_id = $1';
  let from = 'history h';
  for (const filter of FILTERS) {
    const value = query[filter];
    if (value === null) continue;
    params.push(value);
    // PostgreSQL's names have at most 63 characters. The first three letters tell the filters apart.
    fullName += `_${filter.slice(0, 3)}`;
    const param = `$${params.length}`;
    if (filter === 'kinds') from = `unnest(${param}::text[]) as one (kind)`;
    else where += `\n      and ${CONDITIONS[filter].replaceAll('$:', `${param}:`)}`;
  }
  params.push(limit);
  const end = `order by ${order} limit $${params.length}`;
  if (query.kinds !== null) {
    from += ` cross join lateral (select * from history h where ${where}
      and h.kind = one.kind ${end}) h`;
    where = 'true';
  }
  const text = `select ${columns}, o.name as organisation, p.name as project
     from ${from}
     join organisations o on o.id = h.organisation_id
     left join projects p on p.id = h.project_id ${joins}
    where ${where}
    ${end}`;
  return { statement: statement(fullName, text), params };
}

export interface HistoryRow {
  readonly id: number;
  readonly at: Date;
  readonly kind: string;
  readonly actorId: string | null;
  readonly actorUsername: string;
  readonly credentialKind: string | null;
  readonly address: string | null;
  readonly requestId: string | null;
  readonly organisation: string;
  readonly project: string | null;
  readonly releaseIntentId: string | null;
  readonly subject: string;
  readonly before: Record<string, unknown> | null;
  readonly after: Record<string, unknown> | null;
  readonly sequence: number;
  readonly hash: Buffer;
  /** Of the release's artifact; null for other entries. */
  readonly slug: string | null;
  readonly title: string | null;
  readonly version: string | null;
}

const COLUMNS = `h.id, h.at, h.kind, h.actor_id as "actorId", h.actor_username as "actorUsername",
          h.credential_kind as "credentialKind", h.address, h.request_id as "requestId",
          h.release_intent_id as "releaseIntentId", h.subject, h.before, h.after, h.sequence, h.hash,
          a.slug, a.title, a.version`;

const ARTIFACT = `
     left join release_intents i on i.id = h.release_intent_id
     left join artifacts a on a.id = i.artifact_id`;

/** Newest first. */
export const listHistory = (query: HistoryQuery, limit: number): Bound<HistoryRow> =>
  bind('history.list', COLUMNS, ARTIFACT, query, 'h.id desc', limit);

/** An entry with its place in the chain, exactly as it is stored. */
export interface ChainRow {
  readonly id: number;
  readonly sequence: number;
  readonly organisationId: string | null;
  readonly projectId: string | null;
  readonly releaseIntentId: string | null;
  /** RFC 3339 in UTC; with microseconds only if Forage did not write it. */
  readonly at: string;
  readonly kind: string;
  readonly actorId: string | null;
  readonly actorUsername: string;
  readonly credentialId: string | null;
  readonly credentialKind: string | null;
  readonly address: string | null;
  readonly requestId: string | null;
  readonly subject: string;
  readonly before: unknown;
  readonly after: unknown;
  readonly contentHash: Buffer;
  readonly previousHash: Buffer;
  readonly hash: Buffer;
}

/** Timestamps that Forage never writes (infinite, before year 1) keep PostgreSQL's form, so that they match no valid one. */
const CHAIN_COLUMNS = `h.id, h.sequence, h.organisation_id as "organisationId", h.project_id as "projectId",
          h.release_intent_id as "releaseIntentId",
          case when isfinite(h.at) and h.at >= timestamptz '0001-01-01 00:00:00+00'
               then regexp_replace(to_char(h.at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'), '000Z$', 'Z')
               else h.at::text end as at,
          h.kind, h.actor_id as "actorId", h.actor_username as "actorUsername", h.credential_id as "credentialId",
          h.credential_kind as "credentialKind", h.address, h.request_id as "requestId", h.subject, h.before, h.after,
          h.content_hash as "contentHash", h.previous_hash as "previousHash", h.hash`;

export type ExportRow = ChainRow & { readonly organisation: string; readonly project: string | null };

/** Oldest first. */
export const exportHistory = (query: HistoryQuery, limit: number): Bound<ExportRow> =>
  bind('history.export', CHAIN_COLUMNS, '', query, 'h.id', limit);

/** The chain of entries without an organisation. */
export const NO_ORGANISATION = '00000000-0000-0000-0000-000000000000';

/** An entry of a chain, or none, with the chain's head. */
export type PortionRow = { readonly headSequence: number | null; readonly headHash: Buffer | null } & (
  | ChainRow
  | { readonly id: null }
);

/** The next entries after a number, in order, with the head of the same snapshot; one row when there are no entries. */
export const chainPortion = statement<[chain: string, after: number, limit: number], PortionRow>(
  'history.chain_portion',
  `select head.sequence as "headSequence", head.hash as "headHash", e.*
     from (select 1) as one
     left join history_heads head on head.chain = $1::uuid
     left join lateral (
       select ${CHAIN_COLUMNS}
         from history h
        where coalesce(h.organisation_id, '${NO_ORGANISATION}'::uuid) = $1::uuid and h.sequence > $2::bigint
        order by coalesce(h.organisation_id, '${NO_ORGANISATION}'::uuid), h.sequence, h.id
        limit $3) e on true
    order by e.sequence, e.id`,
);

/** How many entries a chain has, whatever numbers they claim, and its head in the same snapshot. */
export const chainCount = statement<
  [chain: string],
  { readonly entries: number; readonly headSequence: number | null }
>(
  'history.chain_count',
  `select (select count(*) from history h
            where coalesce(h.organisation_id, '${NO_ORGANISATION}'::uuid) = $1::uuid) as entries,
          (select sequence from history_heads where chain = $1::uuid) as "headSequence"`,
);

const allChains = statement<[], { readonly chain: string; readonly organisation: string | null }>(
  'history.chains',
  `with recursive found as (
     (select coalesce(organisation_id, '${NO_ORGANISATION}'::uuid) as chain from history order by 1 limit 1)
     union all
     select (select coalesce(organisation_id, '${NO_ORGANISATION}'::uuid) from history
              where coalesce(organisation_id, '${NO_ORGANISATION}'::uuid) > f.chain order by 1 limit 1)
       from found f where f.chain is not null)
   select c.chain, o.name as organisation
     from (select id as chain from organisations union select chain from history_heads
           union select chain from found where chain is not null) c
     left join organisations o on o.id = c.chain
    order by o.name nulls last, c.chain`,
);

/** Every chain of the server, also those that only a head or an entry mentions, with the name of its organisation. */
export const listChains = (db: Executor) => db.run(allChains, []);
