import type { IntentStatus } from '#domain/release/stage.ts';
import { statement } from '#server/db/database.ts';
import {
  type ArtifactFactsRow,
  type CallersFactsRow,
  destinationChanges,
  type FactsRow,
  type IntentRow,
  type PlannerRow,
  type PolicyJson,
  type SurroundingsRow,
} from './rows.ts';

/** The version of the gate's rules in this server (0017_gate_rules.sql): the database refuses decisions by older ones. */
const GATE_RULES = 3;

/** Takes the row lock of an intent, which every transaction holds that decides over it or changes its facts. */
export const lockIntent = statement<
  [intentId: string],
  Pick<IntentRow, 'status' | 'wantedGeneration' | 'seenGeneration' | 'nextCheckAt' | 'projectId'>
>(
  'gate.lock',
  `select status, wanted_generation as "wantedGeneration", seen_generation as "seenGeneration",
          next_check_at as "nextCheckAt", project_id as "projectId",
          set_config('forage.gate_rules', '${GATE_RULES}', true) as "gateRules"
     from release_intents where id = $1 for no key update`,
);

export interface ReleasePlaceRow {
  readonly intentId: string;
  readonly stageId: string;
  readonly destinationId: string;
  readonly projectId: string;
  /** Whether a newer build is live there. */
  readonly isOlder: boolean;
}

/** Where a release goes, before locks are taken. */
export const findReleasePlace = statement<[releaseId: string], ReleasePlaceRow>(
  'gate.place',
  `select r.release_intent_id as "intentId", r.stage_id as "stageId", r.destination_id as "destinationId",
          r.project_id as "projectId",
          coalesce((select l.build_order > a.build_order
                      from places p join artifacts l on l.id = p.live_artifact_id
                     where p.destination_id = r.destination_id and p.project_id = r.project_id), false) as "isOlder"
     from releases r join artifacts a on a.id = r.artifact_id where r.id = $1`,
);

/** Begins the hold of a rollback, at the start of its first delivery; no row when it has begun. */
export const beginHold = statement<
  [id: string, intentId: string, environment: string, now: Date],
  { id: string }
>(
  'gate.begin_hold',
  `insert into holds (id, project_id, environment, release_intent_id, artifact_id, build_order, username, began_at)
   select $1, i.project_id, $3, i.id, i.artifact_id, a.build_order, u.username, $4
     from release_intents i join artifacts a on a.id = i.artifact_id join users u on u.id = i.actor_id
    where i.id = $2
   on conflict do nothing returning id`,
);

/** Ends the holds of an environment, or only those of builds older than the given order. */
export const endHolds = statement<
  [projectId: string, environment: string, newerThan: number | null, now: Date],
  { readonly username: string }
>(
  'gate.end_holds',
  `update holds set ended_at = $4
    where project_id = $1 and environment = $2 and ended_at is null and ($3::bigint is null or build_order < $3)
   returning username`,
);

const FACTS = `
  f.id, f."organisationId", f."projectId", f."artifactId", f.slug, f.title, f.branch, f."commitSha", f.version, f."actorId",
  f."actorUsername", f."actorKind", f.authors, f.force, f.status, f.moment, f."buildOrder", f."wantedGeneration",
  f."seenGeneration", f."nextCheckAt", f.stages, f.steps, f.policies, f.votes, f.places, f.holds, ${destinationChanges('f.id')}`;

/** Everything that decides over an intent, in one snapshot. */
export const intentFacts = statement<[intentId: string], FactsRow>(
  'gate.facts',
  `select ${FACTS} from release_intent_facts f where f.id = $1`,
);

/** The same for a caller who is about to change the intent, with their present role. */
export const intentFactsForCaller = statement<
  [intentId: string, userId: string, credentialId: string, now: Date],
  CallersFactsRow
>(
  'gate.facts_for_caller',
  `select ${FACTS}, (select role from caller_roles where user_id = $2 and organisation_id = f."organisationId") as "callerRole",
          credential_ended($3::uuid, $4::timestamptz) as "callerEnded"
     from release_intent_facts f where f.id = $1`,
);

/** The destinations of the environments that an intent plans for. */
export const planners = statement<[intentId: string], PlannerRow>(
  'gate.planners',
  `select d.id, coalesce(d.metadata ->> 'plans' = 'true', false) as plans,
          json_build_object('organisation', d.type_organisation, 'name', d.type_name, 'version', d.type_version) as type
     from release_intents i
     join projects p on p.id = i.project_id
     join environments e on e.organisation_id = p.organisation_id
      and e.name in (select s.environment from stages s where s.release_intent_id = i.id and s.type = 'plan')
     join destinations d on d.environment_id = e.id and d.deleted_at is null
    where i.id = $1`,
);

/** The enabled policies of a project, for a dry run. */
export const enabledPolicies = statement<[projectId: string], { policies: readonly PolicyJson[] }>(
  'gate.policies',
  'select policies from project_gates where project_id = $1',
);

/** What decides over an artifact of a project before it is released: its branch, the policies, and its arrivals. */
export const artifactFacts = statement<[projectId: string, artifactId: string], ArtifactFactsRow>(
  'gate.artifact_facts',
  `select a.branch, g.policies,
          f.environments
     from artifacts a
     join project_gates g on g.project_id = a.project_id
     join artifact_soaks f on f.artifact_id = a.id
    where a.project_id = $1 and a.id = $2`,
);

export interface LiveSourceRow {
  readonly environment: string;
  readonly destinationName: string;
  /** Since when the destination's present build has been live with certainty; null when none is. */
  readonly since: Date | null;
}

/** What the environments that a project soaks in run, for a dry run. */
export const liveSources = statement<[projectId: string], LiveSourceRow>(
  'gate.live_sources',
  `select q.environment, q.destination_name as "destinationName",
          case when q.doubt is null and json_array_length(q.failures) = 0 then p.live_since end as since
     from place_states q
     left join places p on p.destination_id = q.destination_id and p.project_id = q.project_id
    where q.project_id = $1 and q.environment in (select c.environment from soak_sources c where c.project_id = $1)`,
);

/** Members, destinations and recent branches, on which it depends whether a project's gates can be passed at all. */
export const surroundings = statement<[projectId: string, now: Date], SurroundingsRow>(
  'gate.surroundings',
  `select g.members, g.environments, g.branches,
          (select coalesce(json_agg(json_build_object('policyId', p.id, 'builds', r.builds, 'kept', r.kept)), '[]')
             from policies p
             cross join lateral soak_record(p.project_id, p.config ->> 'sourceEnvironment',
                                            (p.config ->> 'durationSeconds')::float8,
                                            coalesce((p.config ->> 'newerBuildsCount')::boolean, false), $2) r
            where p.project_id = g.project_id and p.type = 'soak_time' and p.enabled) as "soakRecords"
     from project_gates g where g.project_id = $1`,
);

/** Stores a step of the coordinator: changed stages, new releases, those that were left out or queued again, and the intent with the generation it has seen. */
export const applyStep = statement<
  [
    intentId: string,
    stages: string,
    releases: string,
    status: IntentStatus,
    seenGeneration: number,
    nextCheckAt: Date | null,
    now: Date,
    moved: string,
  ]
>(
  'gate.apply',
  `with changed as (
     select * from jsonb_to_recordset($2::jsonb) as s (id text, status text, reason text, "errorMessage" text,
       "queuedAt" timestamptz, "startedAt" timestamptz, "completedAt" timestamptz, "waitUntil" timestamptz,
       "nextCheckAt" timestamptz, "planApproval" text, skipped jsonb, "supersededBy" jsonb, "alreadyLive" boolean,
       "planRun" int, "planRunAt" timestamptz, "approvedPlan" text, "approvedBy" text[], "openedVerdicts" jsonb)
   ), updated as (
     update stages s set status = c.status, reason = c.reason, error_message = c."errorMessage",
            queued_at = c."queuedAt", started_at = c."startedAt", completed_at = c."completedAt",
            wait_until = c."waitUntil", next_check_at = c."nextCheckAt", plan_approval = c."planApproval",
            skipped = c.skipped, superseded_by = (c."supersededBy" ->> 'artifactId')::uuid,
            superseded_by_intent = (c."supersededBy" ->> 'intentId')::uuid, already_live = c."alreadyLive",
            plan_run = c."planRun", plan_run_at = c."planRunAt", approved_plan = c."approvedPlan",
            approved_by = coalesce(c."approvedBy", s.approved_by),
            opened_verdicts = coalesce(c."openedVerdicts", s.opened_verdicts)
       from changed c where s.release_intent_id = $1 and s.id = c.id
   ), moved as (
     update releases r
        set status = m.status, error_message = m."errorMessage", run = m.run, plan_output = null, lease_owner = null,
            lease_until = null, deadline_at = null, assigned_at = null, started_at = null, started_moment = null,
            destination_revision = null,
            completed_at = case when m.status = 'QUEUED' then null else $7::timestamptz end,
            queued_at = case when m.status = 'QUEUED' then $7::timestamptz else r.queued_at end
       from jsonb_to_recordset($8::jsonb) as m ("stageId" text, "destinationId" uuid, status text, "errorMessage" text, run int)
      where r.release_intent_id = $1 and r.stage_id = m."stageId" and r.destination_id = m."destinationId"
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
 * A release that is being requested cannot be woken yet. So its transaction locks artifact and project, and a transaction that
 * changes a fact of many releases locks one of the two before it wakes them: the later one sees the other's changes. The artifact
 * is not shared, so that of two requests for it the later one finds the other's release.
 */

/** Waits for transactions that are about to wake the artifact's releases or request one, and blocks later ones. */
export const lockForRequest = statement<[artifactId: string]>(
  'gate.lock_for_request',
  `select a.id from artifacts a join projects p on p.id = a.project_id where a.id = $1
      for share of p for no key update of a`,
);

export const holdProject = statement<[id: string]>(
  'gate.hold_project',
  'select id from projects where id = $1 for no key update',
);

export const holdOrganisation = statement<[id: string]>(
  'gate.hold_organisation',
  'select id from projects where organisation_id = $1 order by id for no key update',
);

/** Raises the wanted generation of one waiting intent. */
export const wakeIntentById = statement<[intentId: string], { id: string }>(
  'gate.wake_intent',
  `update release_intents set wanted_generation = wanted_generation + 1
    where id = $1 and status = 'ACTIVE' returning id`,
);

/** The same for many, locked in the order of their ids to rule out deadlocks. */
const wakeMany = (name: string, where: string) =>
  statement<[id: string], { id: string }>(
    `gate.wake_${name}`,
    `with waiting as (
       select i.id from release_intents i where i.status = 'ACTIVE' and ${where} order by i.id for no key update
     )
     update release_intents i set wanted_generation = wanted_generation + 1
       from waiting where i.id = waiting.id returning i.id`,
  );

export const wakeByProject = wakeMany('project', 'i.project_id = $1');
/** Those that have yet to deploy to an environment, or that soak in it; the exception is locked, but not woken. */
export const wakeByPlace = statement<
  [projectId: string, environment: string, exceptId: string | null],
  { id: string }
>(
  'gate.wake_place',
  `with waiting as (
     select i.id from release_intents i
      where i.status = 'ACTIVE' and i.project_id = $1
        and (i.id = $3::uuid
             or exists (select from stages s where s.release_intent_id = i.id and s.environment = $2
                           and s.status in ('PENDING', 'AWAITING_APPROVAL', 'ACTIVE'))
             or exists (select from soak_sources c where c.project_id = $1 and c.environment = $2))
      order by i.id for no key update
   )
   update release_intents i set wanted_generation = wanted_generation + 1
     from waiting where i.id = waiting.id and i.id is distinct from $3::uuid returning i.id`,
);
/** After the end of a delivery of a stage: unless others of the stage are open, and no stage waits. */
export const wakeAfterDelivery = statement<[intentId: string, stageId: string], { id: string }>(
  'gate.wake_after_delivery',
  `update release_intents i set wanted_generation = wanted_generation + 1
    where i.id = $1 and i.status = 'ACTIVE'
      and (exists (select from stages s
                    where s.release_intent_id = $1
                      and (s.status in ('PENDING', 'AWAITING_APPROVAL') and s.queued_at is not null
                           or s.id = $2 and s.status <> 'ACTIVE'))
           or not exists (select from releases r
                           where r.release_intent_id = $1 and r.stage_id = $2
                             and r.status in ('QUEUED', 'ASSIGNED', 'RUNNING')))
   returning i.id`,
);
export const wakeByOrganisation = wakeMany(
  'organisation',
  'i.project_id in (select p.id from projects p where p.organisation_id = $1)',
);

export interface WaitingIntentRow {
  readonly id: string;
  readonly organisationId: string;
}

/**
 * Intents that a lost signal left behind, or whose soak or wait is due, of each organisation in turn. Reads only these rows, through
 * indexes.
 */
export const intentsToEvaluate = statement<[now: Date, limit: number], WaitingIntentRow>(
  'gate.sweep',
  `with found as (
     select id, project_id, null as next_check_at from release_intents
      where status = 'ACTIVE' and seen_generation < wanted_generation
     union all
     select id, project_id, next_check_at from release_intents
      where status = 'ACTIVE' and next_check_at <= $1 and seen_generation >= wanted_generation
   )
   select f.id, p.organisation_id as "organisationId"
     from found f join projects p on p.id = f.project_id
    order by row_number() over (partition by p.organisation_id order by f.next_check_at nulls first, f.id)
    limit $2`,
);

/** The organisations of intents. */
export const findOrganisations = statement<[intentIds: readonly string[]], WaitingIntentRow>(
  'gate.organisations',
  `select i.id, p.organisation_id as "organisationId"
     from release_intents i join projects p on p.id = i.project_id where i.id = any ($1::uuid[])`,
);

/** The earliest time after `now` at which time alone opens something. */
export const soonestCheck = statement<[now: Date], { at: Date | null }>(
  'gate.soonest',
  `select min(next_check_at) as at from release_intents where status = 'ACTIVE' and next_check_at > $1`,
);

export interface WaitingRow {
  readonly awaiting: number;
  readonly awaitingSince: Date | null;
  readonly held: number;
  readonly heldSince: Date | null;
}

/** Stages that wait for approvals, and stages that a soak or branch policy holds; each through its own index. */
export const waitingStages = statement<[], WaitingRow>(
  'gate.waiting_stages',
  `select a.count as awaiting, a.since as "awaitingSince", h.count as held, h.since as "heldSince"
     from (select count(*) as count, min(queued_at) as since
             from stages where type = 'deploy' and status = 'AWAITING_APPROVAL') a,
          (select count(*) as count, min(queued_at) as since
             from stages where type = 'deploy' and status = 'PENDING' and queued_at is not null) h`,
);
