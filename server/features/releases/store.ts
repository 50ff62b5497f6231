import type { Standing } from '#domain/approval/vote.ts';
import type { PlanApproval, ReleaseStatus } from '#domain/release/stage.ts';
import { statement } from '#server/db/database.ts';
import { ENDED, STANDING_OF } from '#server/features/access/parts.ts';
import { AUTHORSHIP, INTENT, STAGES_OF_INTENT } from '#server/features/gate/parts.ts';
import {
  DESTINATION_STATE,
  type DestinationStatesOf,
  destinationsWithLatest,
  STEPS_OF_INTENT,
} from './parts.ts';
import type { DestinationStateRow, IntentStateRow } from './rows.ts';

export interface ArtifactRow {
  readonly slug: string;
  readonly branch: string | null;
}

export const findArtifact = statement<readonly [artifactId: string], ArtifactRow>(
  'releases.artifact',
  'select slug, branch from artifacts where id = $1',
);

/** What a user is to an organisation at this moment, and whether the credential that let them in has been ended since. */
export const standingIn = statement<
  readonly [userId: string, organisationId: string, credentialId: string, now: Date],
  { standing: Standing | null; ended: boolean }
>(
  'releases.standing',
  `select ${STANDING_OF('$1::uuid', '$2::uuid')} as standing, ${ENDED('$3::uuid', '$4::timestamptz')} as ended`,
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
   insert into stages (release_intent_id, organisation_id, id, position, type, depends_on, environment,
                       duration_seconds, auto_approve, only_destinations)
   select intent.id, (select p.organisation_id from projects p where p.id = $2), s.id, s.position, s.type,
          s."dependsOn", s.environment, s."durationSeconds", s."autoApprove", s."onlyDestinations"
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
   ), open_releases as (
     select id from releases where release_intent_id = $1 and status in ('QUEUED', 'ASSIGNED', 'RUNNING')
      order by id for no key update
   ), ended_releases as (
     update releases r set status = 'CANCELLED', error_message = $3, completed_at = $4, lease_owner = null,
            lease_until = null, deadline_at = null
       from open_releases o where r.id = o.id
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

/** The same for the record of a verdict: the texts are too long for it, and their hashes tell whether they are the same still. */
export const planDigests = statement<
  readonly [intentId: string, stageId: string],
  { readonly destination: string; readonly status: ReleaseStatus; readonly sha256: string | null }
>(
  'releases.plan_digests',
  `select destination_name as destination, status, encode(sha256(convert_to(plan_output, 'UTF8')), 'hex') as sha256
     from releases where release_intent_id = $1 and stage_id = $2 order by destination_name`,
);

const STATE = `
  select i.id, i.artifact_id as "artifactId", a.slug, p.name as project, ${AUTHORSHIP}, i.status, i.error_message as "errorMessage", i.force,
         i.prepare_only as "prepareOnly", i.created_at as "createdAt", i.completed_at as "completedAt",
         ${STAGES_OF_INTENT} as stages,
         ${STEPS_OF_INTENT} as steps
    from ${INTENT}`;

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

const destinationStatesOf = (which: DestinationStatesOf) =>
  statement<
    readonly [
      organisationId: string,
      of: string | null,
      afterOrder: number | null,
      afterEnvironment: string | null,
      afterName: string | null,
      limit: number,
    ],
    DestinationStateRow
  >(
    `releases.destination_states_of_${which}`,
    `select ${DESTINATION_STATE}
       from ${destinationsWithLatest(which, '$2')}
      where d.organisation_id = $1 and d.deleted_at is null
        and ($3::int is null or (e.sort_order, e.name, d.name) > ($3::int, $4::text, $5::text))
      order by e.sort_order, e.name, d.name
      limit $6`,
  );

/** The organisation's destinations, each with its latest release (of the project, of the artifact) and queue place. */
export const destinationStates: Readonly<
  Record<DestinationStatesOf, ReturnType<typeof destinationStatesOf>>
> = {
  organisation: destinationStatesOf('organisation'),
  project: destinationStatesOf('project'),
  artifact: destinationStatesOf('artifact'),
};
