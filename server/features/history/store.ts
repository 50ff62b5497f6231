import { type Executor, type Statement, statement } from '#server/db/database.ts';
import type { Content } from './chain.ts';
import { filtered, type HistoryQuery } from './filters.ts';
import type { ChainRow, HistoryRow } from './rows.ts';

/** An entry on its way to the database: its content, and the hash of that in hexadecimal. */
export type NewEntry = Content & { readonly content_hash: string };

/**
 * Appends entries, given as JSON, in the order of their organisations, so that two transactions never wait for each
 * other. The table refuses every other kind of write, and links each entry to the one before it.
 */
export const appendHistory = statement<readonly [entries: string]>(
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

const standing = statement<
  readonly [userId: string],
  { username: string; organisationIds: readonly string[] }
>(
  'history.where_known',
  `select u.username,
          array(select m.organisation_id::text from memberships m where m.user_id = u.id order by 1) as "organisationIds"
     from users u where u.id = $1`,
);

/** A user's name, and the organisations that they belong to now. */
export async function whereKnown(
  executor: Executor,
  userId: string,
): Promise<{ username: string; organisationIds: readonly string[] }> {
  return (await executor.run(standing, [userId]))[0] ?? { username: '', organisationIds: [] };
}

type Filtered<Row> = Statement<readonly (string | number | Date)[], Row>;
const lists = new Map<string, Filtered<HistoryRow>>();

/** A page of an organisation's history, newest first, and the parameters for it. */
export function listHistory(
  query: HistoryQuery,
  limit: number,
): { statement: Filtered<HistoryRow>; params: (string | number | Date)[] } {
  const { names, where, params } = filtered(query);
  params.push(limit);
  const known = lists.get(names);
  if (known !== undefined) return { statement: known, params };
  const made: Filtered<HistoryRow> = statement(
    names === '' ? 'history.list' : `history.list_${names}`,
    `select h.id, h.at, h.kind, h.actor_id as "actorId", h.actor_username as "actorUsername",
            h.credential_kind as "credentialKind", h.address, h.request_id as "requestId",
            o.name as organisation, p.name as project, h.release_intent_id as "releaseIntentId", h.subject, h.before,
            h.after, h.sequence, h.hash
       from history h
       join organisations o on o.id = h.organisation_id
       left join projects p on p.id = h.project_id
      where ${where}
      order by h.id desc
      limit $${params.length}`,
  );
  lists.set(names, made);
  return { statement: made, params };
}

/**
 * With the microseconds that only somebody else could have written; so are moments without an end, and those before our era,
 * which would else read like ones of it.
 */
const AT = `case when isfinite(h.at) and h.at >= timestamptz '0001-01-01 00:00:00+00'
                 then to_char(h.at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') else h.at::text end`;
const CHAIN_COLUMNS = `h.id, h.sequence, h.organisation_id as "organisationId", h.project_id as "projectId",
            h.release_intent_id as "releaseIntentId", ${AT} as at, h.kind, h.actor_id as "actorId",
            h.actor_username as "actorUsername", h.credential_id as "credentialId",
            h.credential_kind as "credentialKind", h.address, h.request_id as "requestId", h.subject, h.before, h.after,
            h.content_hash as "contentHash", h.previous_hash as "previousHash", h.hash`;

export type ExportRow = ChainRow & { readonly organisation: string; readonly project: string | null };
const exports = new Map<string, Filtered<ExportRow>>();

/** A portion of an organisation's history for a file, oldest first, and the parameters for it. */
export function exportHistory(
  query: HistoryQuery,
  limit: number,
): { statement: Filtered<ExportRow>; params: (string | number | Date)[] } {
  const { names, where, params } = filtered(query);
  params.push(limit);
  const known = exports.get(names);
  if (known !== undefined) return { statement: known, params };
  const made: Filtered<ExportRow> = statement(
    names === '' ? 'history.export' : `history.export_${names}`,
    `select ${CHAIN_COLUMNS}, o.name as organisation, p.name as project
       from history h
       join organisations o on o.id = h.organisation_id
       left join projects p on p.id = h.project_id
      where ${where}
      order by h.id
      limit $${params.length}`,
  );
  exports.set(names, made);
  return { statement: made, params };
}

const CHAIN = `coalesce(h.organisation_id, '00000000-0000-0000-0000-000000000000'::uuid)`;

/** An entry of a chain, or none, with the chain's head. */
export type PortionRow = { readonly headSequence: number | null; readonly headHash: Buffer | null } & (
  | ChainRow
  | { readonly id: null }
);

/** Of one moment: the chain's head, and the next entries after a number, in order. Always one row, also without entries. */
export const chainPortion = statement<readonly [chain: string, after: number, limit: number], PortionRow>(
  'history.chain_portion',
  `select head.sequence as "headSequence", head.hash as "headHash", e.*
     from (select 1) as one
     left join history_heads head on head.chain = $1::uuid
     left join lateral (
       select ${CHAIN_COLUMNS}
         from history h
        where ${CHAIN} = $1::uuid and h.sequence > $2::bigint
        order by ${CHAIN}, h.sequence, h.id
        limit $3) e on true
    order by e.sequence, e.id`,
);

/** Of one moment: how many entries a chain has, wherever they say to stand, and where its head is. */
export const chainCount = statement<
  readonly [chain: string],
  { readonly entries: number; readonly headSequence: number | null }
>(
  'history.chain_count',
  `select (select count(*) from history h where ${CHAIN} = $1::uuid) as entries,
          (select sequence from history_heads where chain = $1::uuid) as "headSequence"`,
);

/** Every chain: of each organisation, of no organisation, and of what only a head or an entry speaks of. */
export const allChains = statement<
  readonly [],
  { readonly chain: string; readonly organisation: string | null }
>(
  'history.chains',
  `with recursive found as (
     (select ${CHAIN} as chain from history h order by 1 limit 1)
     union all
     select (select ${CHAIN} from history h where ${CHAIN} > f.chain order by 1 limit 1) from found f where f.chain is not null
   )
   select c.chain, o.name as organisation
     from (select id as chain from organisations union select chain from history_heads
           union select chain from found where chain is not null) c
     left join organisations o on o.id = c.chain
    order by o.name nulls last, c.chain`,
);
