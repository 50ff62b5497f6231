import type { ReleaseMode, ReleaseStatus } from '#domain/release/stage.ts';
import {
  MAX_AHEAD,
  MAX_DELIVERIES_PER_ORGANISATION,
  type Occupant,
  type QueuedDelivery,
} from '#domain/release/waits-for.ts';
import { isBusy } from '#server/features/deliveries/busy.ts';
import type {
  AuthorsRow,
  EnvironmentJson,
  FailureJson,
  IntentRow,
  LiveJson,
  ReleaseJson,
  StageJson,
} from '#server/features/gate/rows.ts';

/* Rows of the database. Timestamps within JSON are RFC 3339 text. */

export interface StepJson extends ReleaseJson {
  readonly environment: string;
  readonly destinationType: string;
  readonly mode: ReleaseMode;
  readonly attempt: number;
  readonly queuedAt: string;
  readonly assignedAt: string | null;
  readonly startedAt: string | null;
  readonly completedAt: string | null;
  /** Until when it occupies its destination although it has ended; null when it does not. */
  readonly occupiedUntil: string | null;
  /** What its receiver reported after the server had decided the end. */
  readonly lateStatus: 'SUCCEEDED' | 'FAILED' | null;
  readonly lateReportedAt: string | null;
}

/** What people decided on a deploy stage. */
export interface StageVotesJson {
  readonly stageId: string;
  /** Usernames of those whose rejection counts, while the stage waits. */
  readonly rejectedBy: readonly string[];
  /** Whose bypass opened the gate or, before it has opened, counts. */
  readonly bypassedBy: string | null;
}

/** Whose bypass opened the gate of the stage `s`. */
export const OPENED_BY_BYPASS = `(
  select left(o.name, -length(' (bypass)')) from unnest(s.approved_by) as o (name) where o.name like '% (bypass)' limit 1)`;

/**
 * Joins to the stage `s` of the intent `i` who rejected and who bypassed it, as `v`. What opened a gate is kept with it; before that,
 * votes count by the rules of `tallyVotes` and `whyOutdated`.
 */
export const VOTES = `cross join lateral (
      select i.status = 'ACTIVE' and s.status in ('PENDING', 'AWAITING_APPROVAL') and exists (
               select from policies p
                where p.project_id = i."projectId" and p.target_environment = s.environment and p.enabled
                  and p.type = 'approval') as waits
    ) w
    cross join lateral (
      select array(select d.username
                     from approval_decisions d
                     join memberships m on m.organisation_id = i."organisationId" and m.user_id = d.user_id
                    where w.waits and d.release_intent_id = s.release_intent_id and d.target_environment = s.environment
                      and d.decision = 'rejected'
                      and not exists (select from release_authors a
                                       where a.release_intent_id = d.release_intent_id and a.user_id = d.user_id)
                    order by d.created_at, d.user_id) as rejected,
             case when w.waits then (
                    select d.username
                      from approval_decisions d
                      join memberships m on m.organisation_id = i."organisationId" and m.user_id = d.user_id
                     where d.release_intent_id = s.release_intent_id and d.target_environment = s.environment
                       and d.decision = 'approved' and d.bypass and m.role = 'admin'
                       and moment_of(d.moment, d.created_at)
                             >= greatest(m.admin_moment, approvals_renewed(s.release_intent_id, s.environment), 0)
                     order by d.created_at, d.user_id limit 1)
                  when s.status not in ('PENDING', 'AWAITING_APPROVAL') then ${OPENED_BY_BYPASS}
             end as bypassed
    ) v`;

/** The stages of the intent `i` that somebody rejected or bypassed. */
export const STAGE_VOTES = `
  (select coalesce(json_agg(json_build_object('stageId', s.id, 'rejectedBy', v.rejected, 'bypassedBy', v.bypassed)), '[]')
     from stages s
    ${VOTES}
    where s.release_intent_id = i.id and s.type = 'deploy' and (v.bypassed is not null or cardinality(v.rejected) > 0))
  as "stageVotes"`;

/** A delivery that is queued behind an open gate. */
export interface QueuedJson {
  readonly releaseId: string;
  readonly aheadHere: number;
  readonly occupant: (Omit<Occupant, 'until'> & { readonly until: string | null }) | null;
}

/**
 * The queued deliveries of the intent `i` whose gate is open, with what is ahead of each at its destination; and how many deliveries
 * its organisation queued for free destinations before the first of them, and makes now.
 */
export const QUEUED = `
  (select coalesce(json_agg(json_build_object('releaseId', q.id,
            'aheadHere', (select count(*) from releases o
                            join stages t on t.release_intent_id = o.release_intent_id and t.id = o.stage_id
                           where o.destination_id = q.destination_id and o.status = 'QUEUED' and t.status = 'ACTIVE'
                             and (o.queued_at, o.id) < (q.queued_at, q.id)),
            'occupant', (select json_build_object('slug', a.slug, 'mode', b.mode, 'status', b.status, 'until', b.occupied_until)
                           from releases b join artifacts a on a.id = b.artifact_id
                          where b.destination_id = q.destination_id and ${isBusy('b')}))), '[]')
     from stages s join releases q on q.release_intent_id = s.release_intent_id and q.stage_id = s.id and q.status = 'QUEUED'
    where s.release_intent_id = i.id and s.status = 'ACTIVE' and i.status = 'ACTIVE') as queued,
  (select json_build_object(
            'ahead', (select count(*)
                        from (select
                                from projects p
                                join releases o on o.project_id = p.id and o.status = 'QUEUED' and o.queued_at < first.queued_at
                                 and o.release_intent_id <> i.id
                                join stages t on t.release_intent_id = o.release_intent_id and t.id = o.stage_id
                                 and t.status = 'ACTIVE'
                               where p.organisation_id = i."organisationId"
                                 and not exists (select from releases b where b.destination_id = o.destination_id and ${isBusy('b')})
                               limit ${MAX_AHEAD}) n),
            'underWay', (select count(*)
                           from (select
                                   from projects p
                                   join releases b on b.project_id = p.id and b.status in ('ASSIGNED', 'RUNNING')
                                  where p.organisation_id = i."organisationId"
                                  limit ${MAX_DELIVERIES_PER_ORGANISATION}) n))
     from (select min(q.queued_at) as queued_at
             from stages s
             join releases q on q.release_intent_id = s.release_intent_id and q.stage_id = s.id and q.status = 'QUEUED'
            where s.release_intent_id = i.id and s.status = 'ACTIVE' and i.status = 'ACTIVE') first
    where first.queued_at is not null) as "deliveriesBefore"`;

export interface IntentStateRow
  extends AuthorsRow,
    Pick<IntentRow, 'id' | 'artifactId' | 'slug' | 'status' | 'buildOrder'> {
  readonly project: string;
  /** Null for a release directly to environments. */
  readonly pipeline: string | null;
  readonly errorMessage: string | null;
  readonly force: boolean;
  readonly prepareOnly: boolean;
  readonly createdAt: Date;
  readonly completedAt: Date | null;
  readonly stages: readonly StageJson[];
  readonly steps: readonly StepJson[];
  /** Of the environments that its stages deploy to or plan for; empty once it has ended. */
  readonly places: readonly EnvironmentJson[];
  /** The environments that it rolled back. */
  readonly rolledBack: readonly string[];
  /** Only stages that somebody rejected or bypassed. */
  readonly stageVotes: readonly StageVotesJson[];
  readonly queued: readonly QueuedJson[];
  /** Of its organisation; null when nothing is queued. */
  readonly deliveriesBefore: Pick<QueuedDelivery, 'ahead' | 'underWay'> | null;
}

/**
 * The order in which intents of one build are its current one: the active ones first, and of these the ones that wait for a person, then
 * the newest. `intents` is the SQL name of their table.
 */
export const currentFirst = (intents: string): string =>
  `${intents}.status = 'ACTIVE' desc,
   exists (select from stages w where w.release_intent_id = ${intents}.id and w.status = 'AWAITING_APPROVAL') desc,
   ${intents}.created_at desc, ${intents}.id desc`;

/** The column of the name of an intent's pipeline; `id` is the SQL of its id. */
export const pipelineName = (id: string): string =>
  `(select r.pipeline from release_intents r where r.id = ${id}) as pipeline`;

/** The column of the environments that an intent rolled back; `id` is the SQL of its id. */
export const rolledBack = (id: string): string =>
  `(select coalesce(json_agg(h.environment), '[]') from holds h where h.release_intent_id = ${id}) as "rolledBack"`;

/** A delivery that runs at a destination, still occupies it, or waits in its queue. */
export interface DeliveryJson {
  readonly releaseId: string;
  readonly intentId: string;
  readonly artifactId: string;
  readonly slug: string;
  readonly status: ReleaseStatus;
  readonly startedAt: string | null;
  readonly project: string;
  /** From 1; 0 once it has started. */
  readonly queuePosition: number;
}

/** What is known of a project at a destination, and of one build of it; all null where the row is about no project or build. */
export interface PlaceRow {
  readonly live: LiveJson | null;
  readonly doubt: string | null;
  readonly failures: readonly FailureJson[] | null;
  readonly buildId: string | null;
  readonly open: readonly ReleaseStatus[] | null;
  readonly wasLive: boolean | null;
  readonly lastStatus: ReleaseStatus | null;
}

/** Timestamps are RFC 3339 text when the row is part of JSON. */
export interface DestinationStateRow extends PlaceRow {
  readonly destinationId: string;
  readonly destinationName: string;
  readonly environment: string;
  readonly destinationType: string;
  readonly sortOrder: number;
  readonly inFlight: readonly DeliveryJson[];
  readonly project: string | null;
  /** The delivery that the row is about; null without one. */
  readonly releaseId: string | null;
  readonly artifactId: string | null;
  readonly slug: string | null;
  readonly intentId: string | null;
  readonly stageId: string | null;
  readonly status: ReleaseStatus | null;
  readonly errorMessage: string | null;
  readonly queuedAt: Date | string | null;
  readonly assignedAt: Date | string | null;
  readonly startedAt: Date | string | null;
  readonly completedAt: Date | string | null;
  readonly queuePosition: number | null;
  /** The version of the build of the first of `failures`. */
  readonly failedVersion: string | null;
}

/** The columns of such a row: of destination `d`, its place `s`, the attempts `b` of one build there, and the delivery `r`. */
export const DESTINATION_STATE = `
  d."destinationId", d."destinationName", d.environment, d."destinationType", d."sortOrder",
  (select q.in_flight from destination_queues q where q.destination_id = d."destinationId") as "inFlight",
  r."releaseId", r."artifactId", r.slug, r."intentId", r."stageId", r.status, r."errorMessage", r."queuedAt",
  r."assignedAt", r."startedAt", r."completedAt", r."queuePosition",
  s.live, s.doubt, s.failures,
  (select a.version from artifacts a where a.id = (s.failures->0->>'artifactId')::uuid) as "failedVersion",
  b.artifact_id as "buildId", b.open, b.was_live as "wasLive",
  (select coalesce(l."lateStatus", l.status) from delivery_states l where l."releaseId" = b.last_release_id) as "lastStatus"`;

/** A row of a list in which a destination can have several. */
export interface ListedDestinationRow extends DestinationStateRow {
  /** Orders the rows of one destination. */
  readonly part: string;
  /** Whether the row is about a live build; its delivery may be queued again since. */
  readonly isLive: boolean;
}
