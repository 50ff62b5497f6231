import type { IntentStatus, PlanApproval, ReleaseMode, ReleaseStatus } from '#domain/release/stage.ts';
import { statement } from '#server/db/database.ts';
import { STAGES_OF_INTENT, type StageJson } from '#server/features/gate/rows.ts';

export interface ArtifactRow {
  readonly slug: string;
  readonly branch: string | null;
}

export const findArtifact = statement<readonly [artifactId: string], ArtifactRow>(
  'releases.artifact',
  'select slug, branch from artifacts where id = $1',
);

export interface TargetRow {
  readonly environment: string;
  readonly destination: string | null;
  /** Whether this artifact is what was last deployed there. */
  readonly current: boolean;
}

/** The organisation's environments with their destinations; an environment without any has one row. */
export const findTargets = statement<readonly [organisationId: string, artifactId: string], TargetRow>(
  'releases.targets',
  `select e.name as environment, d.name as destination, coalesce(last.artifact_id = $2, false) as current
     from environments e
     left join destinations d on d.environment_id = e.id and d.deleted_at is null
     left join lateral (
       select r.artifact_id from releases r
        where r.destination_id = d.id and r.mode = 'deploy' and r.status = 'SUCCEEDED'
        order by r.completed_at desc limit 1) last on true
    where e.organisation_id = $1
    order by e.sort_order, e.name, d.name`,
);

export const insertIntent = statement<
  readonly [
    id: string,
    projectId: string,
    artifactId: string,
    actorId: string,
    pipeline: string | null,
    force: boolean,
    prepareOnly: boolean,
    now: Date,
    stages: string,
  ]
>(
  'releases.insert_intent',
  `with intent as (
     insert into release_intents (id, project_id, artifact_id, actor_id, pipeline, force, prepare_only, created_at)
     values ($1, $2, $3, $4, $5, $6, $7, $8) returning id
   )
   insert into stages (release_intent_id, id, position, type, depends_on, environment, duration_seconds, auto_approve,
                       only_destinations)
   select intent.id, s.id, s.position, s.type, s."dependsOn", s.environment, s."durationSeconds", s."autoApprove",
          s."onlyDestinations"
     from intent, jsonb_to_recordset($9::jsonb) as s (id text, position int, type text, "dependsOn" text[],
          environment text, "durationSeconds" bigint, "autoApprove" boolean, "onlyDestinations" text[])`,
);

export const findActivePipelineIntent = statement<readonly [artifactId: string], { id: string }>(
  'releases.active_pipeline',
  `select id from release_intents where artifact_id = $1 and status = 'ACTIVE' and pipeline is not null`,
);

/** Ends an intent that is cancelled, with its stages and releases, under its row lock. */
export const cancelIntentRows = statement<
  readonly [intentId: string, stages: string, reason: string, now: Date]
>(
  'releases.cancel',
  `with changed as (
     select * from jsonb_to_recordset($2::jsonb) as s (id text, "errorMessage" text)
   ), ended_stages as (
     update stages s set status = 'CANCELLED', error_message = c."errorMessage", reason = null, completed_at = $4,
            next_check_at = null
       from changed c where s.release_intent_id = $1 and s.id = c.id
   ), ended_releases as (
     update releases set status = 'CANCELLED', error_message = $3, completed_at = $4, lease_owner = null,
            lease_until = null, deadline_at = null
      where release_intent_id = $1 and status in ('QUEUED', 'ASSIGNED', 'RUNNING')
   )
   update release_intents set status = 'CANCELLED', error_message = $3, completed_at = $4, next_check_at = null,
          seen_generation = wanted_generation
    where id = $1`,
);

/** The oldest release that queues for each destination on which this intent's releases were running. */
export const nextInQueues = statement<readonly [intentId: string], { id: string }>(
  'releases.next_in_queues',
  `select distinct on (r.destination_id) r.id
     from releases r join stages s on s.release_intent_id = r.release_intent_id and s.id = r.stage_id
    where r.status = 'QUEUED' and s.status = 'ACTIVE'
      and r.destination_id in (select c.destination_id from releases c where c.release_intent_id = $1)
    order by r.destination_id, r.queued_at, r.id`,
);

export const setPlanApproval = statement<
  readonly [intentId: string, stageId: string, verdict: PlanApproval, errorMessage: string | null]
>(
  'releases.plan_verdict',
  `update stages set plan_approval = $3, error_message = $4 where release_intent_id = $1 and id = $2`,
);

export interface PlanOutputRow {
  readonly destinationId: string;
  readonly destinationName: string;
  readonly planOutput: string | null;
  readonly status: ReleaseStatus;
}

export const planOutputs = statement<readonly [intentId: string, stageId: string], PlanOutputRow>(
  'releases.plan_outputs',
  `select destination_id as "destinationId", destination_name as "destinationName", plan_output as "planOutput", status
     from releases where release_intent_id = $1 and stage_id = $2 order by destination_name`,
);

export interface StepJson {
  readonly id: string;
  readonly stageId: string;
  readonly destinationId: string;
  readonly destinationName: string;
  readonly environment: string;
  readonly destinationType: string;
  readonly status: ReleaseStatus;
  readonly mode: ReleaseMode;
  readonly attempt: number;
  readonly errorMessage: string | null;
  readonly queuedAt: string;
  readonly assignedAt: string | null;
  readonly startedAt: string | null;
  readonly completedAt: string | null;
}

export interface IntentStateRow {
  readonly id: string;
  readonly artifactId: string;
  readonly slug: string;
  readonly project: string;
  readonly actorId: string;
  readonly actorUsername: string;
  readonly status: IntentStatus;
  readonly errorMessage: string | null;
  readonly force: boolean;
  readonly prepareOnly: boolean;
  readonly createdAt: Date;
  readonly completedAt: Date | null;
  readonly stages: readonly StageJson[];
  readonly steps: readonly StepJson[];
}

const STATE = `
  select i.id, i.artifact_id as "artifactId", a.slug, p.name as project, i.actor_id as "actorId",
         u.username as "actorUsername", i.status, i.error_message as "errorMessage", i.force,
         i.prepare_only as "prepareOnly", i.created_at as "createdAt", i.completed_at as "completedAt",
         ${STAGES_OF_INTENT} as stages,
         (select coalesce(json_agg(json_build_object('id', r.id, 'stageId', r.stage_id,
                   'destinationId', r.destination_id, 'destinationName', r.destination_name,
                   'environment', r.environment, 'status', r.status, 'mode', r.mode, 'attempt', r.attempt,
                   'destinationType', d.type_organisation || '/' || d.type_name || '@' || d.type_version,
                   'errorMessage', r.error_message, 'queuedAt', r.queued_at, 'assignedAt', r.assigned_at,
                   'startedAt', r.started_at, 'completedAt', r.completed_at)
                   order by r.queued_at, r.destination_name), '[]')
            from releases r join destinations d on d.id = r.destination_id
           where r.release_intent_id = i.id) as steps
    from release_intents i
    join projects p on p.id = i.project_id
    join artifacts a on a.id = i.artifact_id
    join users u on u.id = i.actor_id`;

export const intentState = statement<readonly [intentId: string], IntentStateRow>(
  'releases.state',
  `${STATE} where i.id = $1`,
);

/** The intent that speaks for each of the artifacts: the newest active one, else the newest. */
export const speakingIntents = statement<readonly [artifactIds: readonly string[]], IntentStateRow>(
  'releases.speaking',
  `${STATE}
    where i.id in (select distinct on (s.artifact_id) s.id from release_intents s
                    where s.artifact_id = any($1::uuid[])
                    order by s.artifact_id, s.status = 'ACTIVE' desc, s.created_at desc, s.id desc)`,
);

/**
 * A page of intents with their stages and releases, newest first. Times come from the server's clock, in whole
 * milliseconds as in page tokens, so that the plain columns can be compared, and the index of a project be followed.
 */
export const intentStates = statement<
  readonly [
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
  'releases.states',
  `${STATE}
    where p.organisation_id = $1
      and ($2::uuid is null or i.project_id = $2)
      and ($3::uuid is null or i.artifact_id = $3)
      and ($4 or i.status = 'ACTIVE')
      and ($5::timestamptz is null or (i.created_at, i.id) < ($5::timestamptz, $6::uuid))
    order by i.created_at desc, i.id desc
    limit $7`,
);

export interface DestinationStateRow {
  readonly destinationId: string;
  readonly destinationName: string;
  readonly environment: string;
  readonly destinationType: string;
  readonly sortOrder: number;
  readonly releaseId: string | null;
  readonly artifactId: string | null;
  readonly slug: string | null;
  readonly intentId: string | null;
  readonly stageId: string | null;
  readonly status: ReleaseStatus | null;
  readonly errorMessage: string | null;
  readonly queuedAt: Date | null;
  readonly assignedAt: Date | null;
  readonly startedAt: Date | null;
  readonly completedAt: Date | null;
  readonly queuePosition: number | null;
}

/** The organisation's destinations, each with its latest release (of the project, of the artifact) and queue place. */
export const destinationStates = statement<
  readonly [
    organisationId: string,
    projectId: string | null,
    artifactId: string | null,
    afterOrder: number | null,
    afterEnvironment: string | null,
    afterName: string | null,
    limit: number,
  ],
  DestinationStateRow
>(
  'releases.destination_states',
  `select d.id as "destinationId", d.name as "destinationName", e.name as environment, e.sort_order as "sortOrder",
          d.type_organisation || '/' || d.type_name || '@' || d.type_version as "destinationType",
          r.id as "releaseId", r.artifact_id as "artifactId", a.slug, r.release_intent_id as "intentId",
          r.stage_id as "stageId", r.status, r.error_message as "errorMessage", r.queued_at as "queuedAt",
          r.assigned_at as "assignedAt", r.started_at as "startedAt", r.completed_at as "completedAt",
          case when r.status = 'QUEUED' then (
            select count(*)::int from releases q
             where q.destination_id = d.id and q.status = 'QUEUED' and (q.queued_at, q.id) <= (r.queued_at, r.id)
          ) end as "queuePosition"
     from destinations d
     join environments e on e.id = d.environment_id
     left join lateral (
       select * from releases l
        where l.destination_id = d.id and l.mode = 'deploy'
          and ($2::uuid is null or l.project_id = $2)
          and ($3::uuid is null or l.artifact_id = $3)
        order by l.queued_at desc, l.id desc limit 1) r on true
     left join artifacts a on a.id = r.artifact_id
    where d.organisation_id = $1 and d.deleted_at is null
      and ($4::int is null or (e.sort_order, e.name, d.name) > ($4::int, $5::text, $6::text))
    order by e.sort_order, e.name, d.name
    limit $7`,
);
