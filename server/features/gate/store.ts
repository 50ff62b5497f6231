import type { IntentStatus } from '#domain/release/stage.ts';
import { statement } from '#server/db/database.ts';
import { ENDED, STANDING_OF } from '#server/features/access/parts.ts';
import { DESTINATIONS, INTENT, INTENT_FACTS, POLICIES, SOAKED_IN, SURROUNDINGS } from './parts.ts';
import type {
  ArtifactFactsRow,
  CallersFactsRow,
  FactsRow,
  IntentRow,
  PolicyJson,
  SurroundingsRow,
} from './rows.ts';

/** Takes the row lock of an intent: whoever decides or changes its facts holds it until the end of the transaction. */
export const lockIntent = statement<
  readonly [intentId: string],
  Pick<IntentRow, 'status' | 'wantedGeneration' | 'seenGeneration' | 'nextCheckAt' | 'projectId'>
>(
  'gate.lock',
  `select status, wanted_generation as "wantedGeneration", seen_generation as "seenGeneration",
          next_check_at as "nextCheckAt", project_id as "projectId"
     from release_intents where id = $1 for no key update`,
);

/** The intent and stage of a release, before their locks are taken. */
export const findReleasePlace = statement<
  readonly [releaseId: string],
  { intentId: string; stageId: string; mode: 'deploy' | 'plan' }
>(
  'gate.place',
  'select release_intent_id as "intentId", stage_id as "stageId", mode from releases where id = $1',
);

/** Everything that decides over an intent, in one round trip: its DAG, the live policies, votes, and deployments. */
export const intentFacts = statement<readonly [intentId: string], FactsRow>(
  'gate.facts',
  `select ${INTENT_FACTS} from ${INTENT} where i.id = $1`,
);

/** The same for somebody who is about to change it, with their role at this moment. */
export const intentFactsForCaller = statement<
  readonly [intentId: string, userId: string, credentialId: string, now: Date],
  CallersFactsRow
>(
  'gate.facts_for_caller',
  `select ${INTENT_FACTS},
          ${STANDING_OF('$2', 'p.organisation_id')} as "callerRole",
          ${ENDED('$3::uuid', '$4::timestamptz')} as "callerEnded"
     from ${INTENT} where i.id = $1`,
);

/** The enabled policies of a project, for a dry run. */
export const enabledPolicies = statement<readonly [projectId: string], { policies: readonly PolicyJson[] }>(
  'gate.policies',
  `select ${POLICIES('$1')} as policies`,
);

/** What decides over an artifact of a project that nobody has asked to release yet, in one round trip. */
export const artifactFacts = statement<readonly [projectId: string, artifactId: string], ArtifactFactsRow>(
  'gate.artifact_facts',
  `select a.branch, ${POLICIES('a.project_id')} as policies,
          ${DESTINATIONS('a.id', 'p.organisation_id', SOAKED_IN('a.project_id'))} as destinations
     from artifacts a join projects p on p.id = a.project_id
    where a.project_id = $1 and a.id = $2`,
);

/** What stands around a project's gates, in one round trip: members, destinations and the latest 50 artifacts' branches. */
export const surroundings = statement<readonly [organisationId: string, projectId: string], SurroundingsRow>(
  'gate.surroundings',
  `select ${SURROUNDINGS('$1', '$2')}`,
);

/** Stores a step of the coordinator: changed stages, new releases, and the intent with the generation it has seen. */
export const applyStep = statement<
  readonly [
    intentId: string,
    stages: string,
    releases: string,
    status: IntentStatus,
    seenGeneration: number,
    nextCheckAt: Date | null,
    now: Date,
  ]
>(
  'gate.apply',
  `with changed as (
     select * from jsonb_to_recordset($2::jsonb) as s (id text, status text, reason text, "errorMessage" text,
       "queuedAt" timestamptz, "startedAt" timestamptz, "completedAt" timestamptz, "waitUntil" timestamptz,
       "nextCheckAt" timestamptz, "planApproval" text)
   ), updated as (
     update stages s set status = c.status, reason = c.reason, error_message = c."errorMessage",
            queued_at = c."queuedAt", started_at = c."startedAt", completed_at = c."completedAt",
            wait_until = c."waitUntil", next_check_at = c."nextCheckAt", plan_approval = c."planApproval"
       from changed c where s.release_intent_id = $1 and s.id = c.id
   ), created as (
     insert into releases (id, release_intent_id, stage_id, project_id, artifact_id, destination_id, destination_name,
                           environment, mode, queued_at)
     select r.id, i.id, r."stageId", i.project_id, i.artifact_id, d.id, d.name, e.name, r.mode, $7::timestamptz
       from jsonb_to_recordset($3::jsonb) as r (id uuid, "stageId" text, "destinationId" uuid, mode text)
       join release_intents i on i.id = $1
       join destinations d on d.id = r."destinationId"
       join environments e on e.id = d.environment_id
   )
   update release_intents set status = $4, seen_generation = $5, next_check_at = $6,
          completed_at = case when $4 = 'ACTIVE' then null else $7::timestamptz end
    where id = $1`,
);

/*
 * A release that is being asked for is not there yet to be woken. So whoever asks shares its artifact and project, and
 * whoever changes a fact of many releases holds one of them before it wakes: one of the two sees what the other committed.
 */

/** Waits for changes that are about to wake the artifact's releases, and makes later ones wait. */
export const shareArtifact = statement<readonly [artifactId: string]>(
  'gate.share_artifact',
  `select a.id from artifacts a join projects p on p.id = a.project_id where a.id = $1 for share of p, a`,
);

export const holdArtifact = statement<readonly [id: string]>(
  'gate.hold_artifact',
  'select id from artifacts where id = $1 for no key update',
);

export const holdProject = statement<readonly [id: string]>(
  'gate.hold_project',
  'select id from projects where id = $1 for no key update',
);

export const holdOrganisation = statement<readonly [id: string]>(
  'gate.hold_organisation',
  'select id from projects where organisation_id = $1 order by id for no key update',
);

/** Raises the wanted generation of one waiting intent. */
export const wakeIntentById = statement<readonly [intentId: string], { id: string }>(
  'gate.wake_intent',
  `update release_intents set wanted_generation = wanted_generation + 1
    where id = $1 and status = 'ACTIVE' returning id`,
);

/** The same for many, locked in the order of their ids, so that two such transactions never wait for each other. */
const wakeMany = (name: string, where: string) =>
  statement<readonly [id: string], { id: string }>(
    `gate.wake_${name}`,
    `with waiting as (
       select i.id from release_intents i where i.status = 'ACTIVE' and ${where} order by i.id for no key update
     )
     update release_intents i set wanted_generation = wanted_generation + 1
       from waiting where i.id = waiting.id returning i.id`,
  );

export const wakeByProject = wakeMany('project', 'i.project_id = $1');
export const wakeByArtifact = wakeMany('artifact', 'i.artifact_id = $1');
export const wakeByOrganisation = wakeMany(
  'organisation',
  'i.project_id in (select p.id from projects p where p.organisation_id = $1)',
);

/** Intents that a lost signal left behind, or whose soak or wait is due. Reads only such rows, by their indexes. */
export const intentsToEvaluate = statement<readonly [now: Date, limit: number], { id: string }>(
  'gate.sweep',
  `(select id from release_intents where status = 'ACTIVE' and seen_generation < wanted_generation limit $2)
   union
   (select id from release_intents where status = 'ACTIVE' and next_check_at <= $1 order by next_check_at limit $2)`,
);

/** The soonest moment after `now` at which time alone opens something. */
export const soonestCheck = statement<readonly [now: Date], { at: Date | null }>(
  'gate.soonest',
  `select min(next_check_at) as at from release_intents where status = 'ACTIVE' and next_check_at > $1`,
);
