import type { CallerRole, Role } from '#domain/approval/vote.ts';
import type { Target } from '#domain/release/request.ts';
import type { PlanApproval, ReleaseStatus } from '#domain/release/stage.ts';
import { statement } from '#server/db/database.ts';
import {
  currentFirst,
  DESTINATION_STATE,
  type DestinationStateRow,
  type IntentStateRow,
  type ListedDestinationRow,
  pipelineName,
  QUEUED,
  rolledBack,
  STAGE_VOTES,
} from './rows.ts';

export interface ArtifactRow {
  readonly slug: string;
  readonly branch: string | null;
}

export const findArtifact = statement<[artifactId: string], ArtifactRow>(
  'releases.find_artifact',
  'select slug, branch from artifacts where id = $1',
);

/** A user's role in an organisation, and whether their credential has been revoked or has expired. */
export const findAccess = statement<
  [userId: string, organisationId: string, credentialId: string, now: Date],
  { role: CallerRole | null; ended: boolean }
>(
  'releases.find_access',
  `select (select role from caller_roles where user_id = $1::uuid and organisation_id = $2::uuid) as role, credential_ended($3::uuid, $4::timestamptz) as ended`,
);

/** The organisation's environments with their destinations; an environment without any has one row. */
export const listTargets = statement<[organisationId: string, artifactId: string], Target>(
  'releases.list_targets',
  `select e.name as environment, d.name as destination,
          coalesce(pl.live_artifact_id = a.id and pl.doubt is null and not exists (
            select from delivery_runs u
             where u.destination_id = pl.destination_id and u.project_id = pl.project_id
               and u.started_moment > pl.live_moment and u.status in ('FAILED', 'TIMED_OUT', 'CANCELLED')
               and u.late_status is null), false) as current,
          case when live.build_order > a.build_order then live.slug end as newer
     from environments e
     join artifacts a on a.id = $2
     left join destinations d on d.environment_id = e.id and d.deleted_at is null
     left join places pl on pl.destination_id = d.id and pl.project_id = a.project_id
     left join artifacts live on live.id = pl.live_artifact_id
    where e.organisation_id = $1
    order by e.sort_order, e.name, d.name`,
);

export const insertIntent = statement<
  [string, string, string, string, string | null, boolean, boolean, Date, string]
>(
  'releases.insert_intent',
  `with intent as (
     insert into release_intents (id, project_id, artifact_id, actor_id, pipeline, force, prepare_only, created_at)
     values ($1, $2, $3, $4, $5, $6, $7, $8) returning id
   )
   insert into stages (release_intent_id, organisation_id, id, position, type, depends_on, environment,
                       duration_seconds, auto_approve, only_destinations)
   select intent.id, (select p.organisation_id from projects p where p.id = $2), s.id, s.position, s.type,
          s."dependsOn", s.environment, s."durationSeconds", s."autoApprove", s."onlyDestinations"
     from intent, jsonb_to_recordset($9::jsonb) as s (id text, position int, type text, "dependsOn" text[],
          environment text, "durationSeconds" bigint, "autoApprove" boolean, "onlyDestinations" text[])`,
);

/** The first active intent of the artifact that still deploys to one of the destinations. */
export const findOverlapping = statement<
  [artifactId: string, destinations: readonly string[]],
  { id: string; destination: string }
>(
  'releases.find_overlapping',
  `select i.id, d.name as destination
     from release_intents i
     join projects p on p.id = i.project_id
     join stages s on s.release_intent_id = i.id
     join environments e on e.organisation_id = p.organisation_id and e.name = s.environment
     join destinations d on d.environment_id = e.id and d.deleted_at is null
    where i.artifact_id = $1 and i.status = 'ACTIVE' and s.type = 'deploy'
      and s.status in ('PENDING', 'AWAITING_APPROVAL', 'ACTIVE') and d.name = any ($2::text[])
      and (s.only_destinations is null or d.name = any (s.only_destinations))
    order by i.created_at, i.id, d.name limit 1`,
);

/**
 * Cancels an intent with its stages and deliveries, and returns the deployments that had been sent. The transaction has locked
 * the intent.
 */
export const cancelIntent = statement<
  [intentId: string, stages: string, reason: string, now: Date],
  { id: string }
>(
  'releases.cancel',
  `with changed as (
     select * from jsonb_to_recordset($2::jsonb) as s (id text, "errorMessage" text)
   ), ended_stages as (
     update stages s set status = 'CANCELLED', error_message = c."errorMessage", reason = null, completed_at = $4,
            next_check_at = null
       from changed c where s.release_intent_id = $1 and s.id = c.id
   ), open_releases as (
     select id, status, mode from releases where release_intent_id = $1 and status in ('QUEUED', 'ASSIGNED', 'RUNNING')
      order by id for no key update
   ), ended_releases as (
     update releases r set status = 'CANCELLED', error_message = $3, completed_at = $4, lease_owner = null,
            lease_until = null, deadline_at = null
       from open_releases o where r.id = o.id
   ), ended_intent as (
     update release_intents set status = 'CANCELLED', error_message = $3, completed_at = $4, next_check_at = null,
            seen_generation = wanted_generation
      where id = $1
   )
   select id from open_releases where status = 'RUNNING' and mode = 'deploy'`,
);

/** Another active intent of the same build that has yet to deploy where the stages of an intent deploy. */
export const findOverlappingRetry = statement<
  [intentId: string, stageIds: readonly string[]],
  { id: string; environment: string }
>(
  'releases.find_overlapping_retry',
  `select o.id, t.environment
     from release_intents i
     join stages s on s.release_intent_id = i.id and s.type = 'deploy' and s.id = any ($2::text[])
     join release_intents o on o.artifact_id = i.artifact_id and o.id <> i.id and o.status = 'ACTIVE'
     join stages t on t.release_intent_id = o.id and t.type = 'deploy' and t.environment = s.environment
      and t.status in ('PENDING', 'AWAITING_APPROVAL', 'ACTIVE')
    where i.id = $1
      and coalesce(s.only_destinations && t.only_destinations, true)
    order by o.created_at, o.id limit 1`,
);

/** Makes an ended intent active again, for a retry. */
export const reopenIntent = statement<[intentId: string]>(
  'releases.reopen',
  `update release_intents set status = 'ACTIVE', error_message = null, completed_at = null where id = $1`,
);

export const setPlanApproval = statement<
  readonly [intentId: string, stageId: string, verdict: PlanApproval, errorMessage: string | null]
>(
  'releases.set_plan_approval',
  `update stages set plan_approval = $3, error_message = $4 where release_intent_id = $1 and id = $2`,
);

export interface PlanOutputRow {
  readonly destinationId: string;
  readonly destinationName: string;
  readonly planOutput: string | null;
  readonly status: ReleaseStatus;
}

export const listPlanOutputs = statement<[intentId: string, stageId: string], PlanOutputRow>(
  'releases.list_plan_outputs',
  `select destination_id as "destinationId", destination_name as "destinationName", plan_output as "planOutput", status
     from releases where release_intent_id = $1 and stage_id = $2 order by destination_name`,
);

/** The hashes of a stage's plans, for the history: the texts are too long for it. */
export const listPlanDigests = statement<
  [intentId: string, stageId: string],
  { readonly destination: string; readonly status: ReleaseStatus; readonly sha256: string | null }
>(
  'releases.list_plan_digests',
  `select destination_name as destination, status, encode(sha256(convert_to(plan_output, 'UTF8')), 'hex') as sha256
     from releases where release_intent_id = $1 and stage_id = $2 order by destination_name`,
);

const STATE_COLUMNS = `
  select i.id, i."artifactId", i.slug, i.project, i."actorId", i."actorUsername", i.authors, i.status, i."errorMessage",
         i.force, i."prepareOnly", i."createdAt", i."completedAt", i.stages, i.steps, i."buildOrder", ${rolledBack('i.id')}, ${pipelineName('i.id')},
         (select coalesce(json_agg(json_build_object('environment', e.environment, 'places', e.places)), '[]')
            from build_environments e
           where i.status = 'ACTIVE' and e.artifact_id = i."artifactId"
             and e.environment in (select s.environment from stages s where s.release_intent_id = i.id)) as places,
          ${STAGE_VOTES}, ${QUEUED}`;
const STATE = `${STATE_COLUMNS} from release_intent_states i`;

export const findIntentState = statement<[intentId: string], IntentStateRow>(
  'releases.find_state',
  `${STATE} where i.id = $1`,
);

/** One intent among those that the other parameters select. */
export const findIntentStateIn = statement<
  [intentId: string, organisationId: string, projectId: string | null, artifactId: string | null],
  IntentStateRow
>(
  'releases.find_state_in',
  `${STATE}
    where i.id = $1 and i."organisationId" = $2
      and ($3::uuid is null or i."projectId" = $3) and ($4::uuid is null or i."artifactId" = $4)`,
);

/** The current intent of each artifact, by `currentFirst`. */
export const listCurrentIntents = statement<[artifactIds: readonly string[]], IntentStateRow>(
  'releases.list_current',
  `${STATE}
    where i.id in (select distinct on (s.artifact_id) s.id from release_intents s
                    where s.artifact_id = any($1::uuid[])
                    order by s.artifact_id, ${currentFirst('s')})`,
);

/**
 * A page of intents with their stages and deliveries, newest first. Creation times are whole milliseconds, as in page tokens,
 * so the plain columns can be compared and the project's index is used.
 */
export const listIntentStates = statement<
  [
    organisationId: string,
    projectId: string | null,
    artifactId: string | null,
    includeCompleted: boolean,
    beforeCreated: Date | null,
    beforeId: string | null,
    limit: number,
  ],
  IntentStateRow
>(
  'releases.list_states',
  `${STATE}
    where i."organisationId" = $1
      and ($2::uuid is null or i."projectId" = $2)
      and ($3::uuid is null or i."artifactId" = $3)
      and ($4 or i.status = 'ACTIVE')
      and ($5::timestamptz is null or (i."createdAt", i.id) < ($5::timestamptz, $6::uuid))
    order by i."createdAt" desc, i.id desc
    limit $7`,
);

export interface MyReleaseRow extends IntentStateRow {
  readonly organisation: string;
  readonly role: Role;
  readonly title: string;
  readonly version: string | null;
  readonly branch: string | null;
  readonly commitSha: string;
  /** All rejections, the oldest first, also those that do not count. */
  readonly rejections: readonly RejectionJson[];
}

export interface RejectionJson {
  readonly environment: string;
  readonly username: string;
  readonly comment: string | null;
}

/**
 * A page of the active intents that a user requested, or of whose builds they are an author, in all of their organisations, newest first.
 * The page is chosen from the indexes of active intents before anything else is read.
 */
export const listMyReleases = statement<
  [userId: string, beforeCreated: Date | null, beforeId: string | null, limit: number],
  MyReleaseRow
>(
  'releases.list_mine',
  `with mine as materialized (
     select i.id, o.name as organisation, m.role
       from memberships m
       join organisations o on o.id = m.organisation_id
       join projects p on p.organisation_id = m.organisation_id
       join release_intents i on i.project_id = p.id and i.status = 'ACTIVE'
      where m.user_id = $1
        and ($2::timestamptz is null or (i.created_at, i.id) < ($2::timestamptz, $3::uuid))
        and (i.actor_id = $1
             or exists (select from artifact_authors w where w.artifact_id = i.artifact_id and w.user_id = $1))
      order by i.created_at desc, i.id desc
      limit $4
   )
   select s.*, n.organisation, n.role
     from mine n
     cross join lateral (${STATE_COLUMNS}, i.title, i.version, i.branch, i."commitSha",
          (select coalesce(json_agg(json_build_object('environment', d.target_environment, 'username', d.username,
                    'comment', d.comment) order by d.created_at, d.user_id), '[]')
             from approval_decisions d
            where d.release_intent_id = i.id and d.decision = 'rejected') as rejections
       from release_intent_states i where i.id = n.id) s
    order by s."createdAt" desc, s.id desc`,
);

type DestinationPage = [
  organisationId: string,
  of: string | null,
  afterOrder: number | null,
  afterEnvironment: string | null,
  afterName: string | null,
  limit: number,
];

/** A page of the destinations of an artifact's organisation, each with the artifact's latest deployment to it. */
export const listBuildDestinations = statement<DestinationPage, DestinationStateRow>(
  'releases.list_build_destinations',
  `select ${DESTINATION_STATE}, p.name as project
     from artifacts a
     join projects p on p.id = a.project_id
     join destination_details d on d."organisationId" = p.organisation_id
     join place_states s on s.project_id = p.id and s.destination_id = d."destinationId"
     join build_attempts b on b.artifact_id = a.id and b.destination_id = d."destinationId"
     left join delivery_states r on r."releaseId" = b.last_release_id
    where a.id = $2 and d."organisationId" = $1
      and ($3::int is null or (d."sortOrder", d.environment, d."destinationName") > ($3::int, $4::text, $5::text))
    order by d."sortOrder", d.environment, d."destinationName"
    limit $6`,
);

/**
 * A page of an organisation's destinations in the order of the environments, of one project or of all: a row for each live build, one
 * for each delivery that has not ended, and one for a destination without either.
 */
export const listDestinationStates = statement<
  [...DestinationPage, afterPart: string | null],
  ListedDestinationRow
>(
  'releases.list_destination_states',
  `with listed as (
     select d.*, o.part, o.is_live, o.project_id, o.artifact_id, o.release_id
       from destination_details d
       cross join lateral (
         select '1 ' || p.name as part, true as is_live, l.project_id, l.live_artifact_id as artifact_id,
                l.live_release_id as release_id
           from places l join projects p on p.id = l.project_id
          where l.destination_id = d."destinationId" and l.live_artifact_id is not null
            and ($2::uuid is null or l.project_id = $2)
         union all
         select case q.status when 'QUEUED' then '3 ' else '2 ' end
                  || to_char(q.queued_at at time zone 'UTC', 'YYYYMMDDHH24MISSUS') || ' ' || q.id, false, q.project_id,
                q.artifact_id, q.id
           from releases q
          where q.destination_id = d."destinationId" and q.mode = 'deploy' and q.status in ('QUEUED', 'ASSIGNED', 'RUNNING')
            and ($2::uuid is null or q.project_id = $2)
         union all
         select '4', false, (select n.project_id from places n
                              where n.destination_id = d."destinationId" and ($2::uuid is null or n.project_id = $2)
                              order by n.project_id limit 1), null, null
          where not exists (select from places l
                             where l.destination_id = d."destinationId" and l.live_artifact_id is not null
                               and ($2::uuid is null or l.project_id = $2))
            and not exists (select from releases q
                             where q.destination_id = d."destinationId" and q.mode = 'deploy'
                               and q.status in ('QUEUED', 'ASSIGNED', 'RUNNING')
                               and ($2::uuid is null or q.project_id = $2))) o
      where d."organisationId" = $1
        and ($3::int is null or (d."sortOrder", d.environment, d."destinationName", o.part collate "C")
                              > ($3::int, $4::text, $5::text, $7::text collate "C"))
      order by d."sortOrder", d.environment, d."destinationName", o.part collate "C"
      limit $6
   )
   select ${DESTINATION_STATE}, p.name as project, d.part, d.is_live as "isLive"
     from listed d
     left join projects p on p.id = d.project_id
     left join place_states s on s.project_id = d.project_id and s.destination_id = d."destinationId"
     left join build_attempts b on b.artifact_id = d.artifact_id and b.destination_id = d."destinationId"
     left join delivery_states r on r."releaseId" = d.release_id
    order by d."sortOrder", d.environment, d."destinationName", d.part collate "C"`,
);
