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

/** As JSON tells it: moments are text. */
export interface StandingJson extends Omit<AccessRow, 'lastUsedAt'> {
  /** Which of those who ask it is about, from 1. */
  readonly asker: number;
  readonly lastUsedAt: string | null;
  /** Of what the answers about this project have in common; null when nothing was written since `knownSnapshot`. */
  readonly fingerprint: string | null;
}

export interface IntentFingerprintJson {
  readonly id: string;
  readonly projectId: string;
  readonly fingerprint: string;
}

/** What has been written can only be seen by a later snapshot, and two snapshots of one text see the same. */
const NEWS = 'pg_current_snapshot()::text is distinct from $6::text';

/**
 * For many polls at once: who polls about which project, each told once however many of its releases they watch, and what
 * the answers would be made from. Whose credential is not valid, or who is no member of the organisation, is left out. The
 * fingerprints of releases are for the projects of those who are let in alone; whether a release belongs to the project
 * that it was asked for is the reader's to compare. Whoever has all fingerprints as of a snapshot names it, and is given none
 * while that is what the database shows: then nothing has been written anywhere.
 */
export const standings = statement<
  readonly [
    secretHashes: readonly Buffer[],
    organisations: readonly string[],
    projects: readonly string[],
    releaseIntentIds: readonly string[],
    now: Date,
    knownSnapshot: string | null,
  ],
  {
    readonly snapshot: string;
    readonly askers: readonly StandingJson[];
    readonly intents: readonly IntentFingerprintJson[];
  }
>(
  'approvals.standings',
  `with let_in as materialized (
     select t.asker, ${CALLER_COLUMNS}, o.id as "organisationId", o.name as organisation,
            p.id as "projectId", p.name as project, m.role
       from unnest($1::bytea[], $2::text[], $3::text[]) with ordinality
              as t (secret_hash, organisation, project, asker)
       join credentials c on ${LETS_IN('t.secret_hash', '$5')}
       join users u on u.id = c.user_id
       join organisations o on o.name = t.organisation
       join projects p on p.organisation_id = o.id and p.name = t.project
       join memberships m on m.organisation_id = o.id and m.user_id = u.id
   ), of_organisations as materialized (
     select t.id, ${OF_ORGANISATION('t.id')} as fingerprint
       from (select distinct "organisationId" as id from let_in where ${NEWS}) t
   ), of_projects as materialized (
     select t.id, ${OF_PROJECT('t.id')} as fingerprint
       from (select distinct "projectId" as id from let_in where ${NEWS}) t
   )
   select pg_current_snapshot()::text as snapshot,
          (select coalesce(json_agg(one), '[]')
             from (select l.*, o.fingerprint || p.fingerprint as fingerprint
                     from let_in l
                     left join of_organisations o on o.id = l."organisationId"
                     left join of_projects p on p.id = l."projectId") one) as askers,
          (select coalesce(json_agg(one), '[]')
             from (select i.id, i.project_id as "projectId", ${OF_INTENT} as fingerprint
                     from ${INTENT}
                    where ${NEWS} and i.id = any ($4::uuid[])
                      and i.project_id in (select "projectId" from let_in)) one) as intents`,
);
