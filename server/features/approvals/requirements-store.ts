import { statement } from '#server/db/database.ts';
import { CALLER_COLUMNS, LETS_IN } from '#server/features/access/parts.ts';
import type { AccessRow } from '#server/features/access/rows.ts';
import { INTENT, INTENT_FACTS, SURROUNDINGS } from '#server/features/gate/parts.ts';
import type { FactsRow, SurroundingsRow } from '#server/features/gate/rows.ts';
import {
  DESTINATION_STATE,
  destinationsWithLatest,
  STEPS_OF_INTENT,
} from '#server/features/releases/parts.ts';
import type { DestinationStateJson, IntentStateRow } from '#server/features/releases/rows.ts';

/** What a release manager's page shows of destinations at once. */
const MOST_DESTINATIONS = 500;

/**
 * Versions of rows: where PostgreSQL keeps one, and the transaction that wrote it. A row that is changed is written
 * anew by another transaction, so two that are told alike are the same, column by column. Their order is that of a plan: another
 * order is another text, which is only taken for a change.
 */
const versions = (row: string, from: string) =>
  `(select string_agg(${row}.ctid::text || ${row}.xmin::text, ' ') from ${from})`;

/*
 * What the answer below was made from: digests of the versions of every row that it reads, or of more rows than these; of
 * the organisation, of the project, and of the intent itself (`INTENT`), as many polls at once have the first two in common.
 * Whatever is added to the answer's queries has to be added here; the test of polls looks for what is missing.
 */
const OF_ORGANISATION = (id: string) => `
  md5(array[
    ${versions('m', `memberships m where m.organisation_id = ${id}`)},
    ${versions('mu', `memberships m join users mu on mu.id = m.user_id where m.organisation_id = ${id}`)},
    ${versions('e', `environments e where e.organisation_id = ${id}`)},
    ${versions('d', `destinations d where d.organisation_id = ${id} and d.deleted_at is null`)}
  ]::text)`;

const OF_PROJECT = (id: string) => `
  md5(array[
    ${versions('pol', `policies pol where pol.project_id = ${id}`)},
    (select string_agg(l.version, ' ')
       from (select n.ctid::text || n.xmin::text as version from artifacts n where n.project_id = ${id}
              order by n.created_at desc, n.id desc limit 50) l)
  ]::text)`;

const OF_INTENT = `
  md5(array[
    i.ctid::text || i.xmin::text, p.ctid::text || p.xmin::text, a.ctid::text || a.xmin::text,
    u.ctid::text || u.xmin::text,
    ${versions('n', 'users n where n.id in (a.source_user_id, a.created_by)')},
    ${versions('s', 'stages s where s.release_intent_id = i.id')},
    ${versions('v', 'approval_decisions v where v.release_intent_id = i.id')},
    ${versions('r', 'releases r where r.release_intent_id = i.id')},
    ${versions(
      'd',
      'releases r join destinations d on d.id = r.destination_id where r.release_intent_id = i.id',
    )},
    ${versions('r', `releases r where r.artifact_id = i.artifact_id and r.mode = 'deploy'`)},
    ${versions(
      'q',
      `releases r join releases q on q.destination_id = r.destination_id and q.status = 'QUEUED'
        where r.artifact_id = i.artifact_id and r.mode = 'deploy' and r.status = 'QUEUED'`,
    )}
  ]::text)`;

/** Times within the destinations' JSON are RFC 3339 text. */
export interface RequirementsRow extends FactsRow, SurroundingsRow, Omit<IntentStateRow, keyof FactsRow> {
  readonly destinationStates: readonly DestinationStateJson[];
  readonly fingerprint: string;
}

/**
 * Everything that a release's page shows, in one statement: all of it is of one moment, and the fingerprint is of just
 * that moment.
 */
export const requirementsOf = statement<
  readonly [releaseIntentId: string, projectId: string],
  RequirementsRow
>(
  'approvals.requirements',
  `select ${INTENT_FACTS},
          p.name as project, i.error_message as "errorMessage", i.force, i.prepare_only as "prepareOnly",
          i.created_at as "createdAt", i.completed_at as "completedAt",
          ${STEPS_OF_INTENT} as steps,
          ${SURROUNDINGS('p.organisation_id', 'i.project_id')},
          (select coalesce(json_agg(row_to_json(one)), '[]')
             from (select ${DESTINATION_STATE}
                     from ${destinationsWithLatest('artifact', 'i.artifact_id')}
                    where d.organisation_id = p.organisation_id and d.deleted_at is null
                    order by e.sort_order, e.name, d.name
                    limit ${MOST_DESTINATIONS}) one) as "destinationStates",
          ${OF_ORGANISATION('p.organisation_id')} || ${OF_PROJECT('p.id')} || ${OF_INTENT} as fingerprint
     from ${INTENT}
    where i.id = $1 and i.project_id = $2`,
);

export interface StandingRow extends AccessRow {
  /** Which of the polls it is about, from 1. */
  readonly poll: number;
  /** Null when the project has no such release. */
  readonly fingerprint: string | null;
}

/**
 * For many polls at once: who polls, and what the answer would be made from. Each is authorized by its own row; one whose
 * credential is not valid, or who is no member of the organisation, has none.
 */
export const standings = statement<
  readonly [
    secretHashes: readonly Buffer[],
    organisations: readonly string[],
    projects: readonly string[],
    releaseIntentIds: readonly string[],
    now: Date,
  ],
  StandingRow
>(
  'approvals.standings',
  `with polls as (
     select * from unnest($1::bytea[], $2::text[], $3::text[], $4::uuid[]) with ordinality
                as t (secret_hash, organisation, project, intent_id, poll)
   ), let_in as materialized (
     select t.poll, t.intent_id, ${CALLER_COLUMNS}, o.id as "organisationId", o.name as organisation,
            p.id as "projectId", p.name as project, m.role
       from polls t
       join credentials c on ${LETS_IN('t.secret_hash', '$5')}
       join users u on u.id = c.user_id
       join organisations o on o.name = t.organisation
       join projects p on p.organisation_id = o.id and p.name = t.project
       join memberships m on m.organisation_id = o.id and m.user_id = u.id
   ), of_organisations as materialized (
     select t.id, ${OF_ORGANISATION('t.id')} as fingerprint
       from (select distinct "organisationId" as id from let_in) t
   ), of_projects as materialized (
     select t.id, ${OF_PROJECT('t.id')} as fingerprint from (select distinct "projectId" as id from let_in) t
   ), of_intents as materialized (
     select i.id, i.project_id, ${OF_INTENT} as fingerprint
       from ${INTENT}
      where i.id in (select intent_id from let_in)
   )
   select l.*, o.fingerprint || p.fingerprint || i.fingerprint as fingerprint
     from let_in l
     join of_organisations o on o.id = l."organisationId"
     join of_projects p on p.id = l."projectId"
     left join of_intents i on i.id = l.intent_id and i.project_id = l."projectId"`,
);
