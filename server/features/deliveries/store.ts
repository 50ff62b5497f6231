import type { ReleaseStatus } from '#domain/release/stage.ts';
import { statement } from '#server/db/database.ts';
import type { Delivery, TypeName } from '#server/destinations/destination-type.ts';
import type { StoredMetadata } from '#server/features/destinations/encrypted-metadata.ts';
import { isBusy } from './busy.ts';

/*
 * A lease is `clock_timestamp() + interval '4 seconds'`, by the database's clock, which all servers share. It is shorter than
 * the sweep's interval: a sweep returns the remaining time of each lease, and the dispatcher checks it when it expires, so the
 * deliveries of a crashed server are resumed within 5 seconds. Deadlines use the server's clock, like every other time.
 * Locks are taken in this order: projects, artifacts, intents by id, releases by id.
 * A cancelled or timed-out release occupies its destination while it has `occupied_until` (0027_occupied_destinations.sql).
 */

/** A release with everything that its delivery and its history entry need. */
export interface ReleaseRow
  extends StoredMetadata,
    Pick<
      Delivery,
      'organisation' | 'project' | 'environment' | 'destination' | 'mode' | 'force' | 'artifact' | 'run'
    > {
  readonly id: string;
  readonly intentId: string;
  readonly stageId: string;
  readonly organisationId: string;
  readonly projectId: string;
  readonly destinationId: string;
  readonly type: TypeName;
  /** Whether the destination has been deleted. */
  readonly retired: boolean;
  readonly status: ReleaseStatus;
  readonly startedAt: Date | null;
  /** The order of its build among the project's. */
  readonly buildOrder: number;
  /** The destination's at present. */
  readonly revision: number;
  /** The destination's when the present run started; null while it has not, and when it is not known. */
  readonly startedRevision: number | null;
}

export interface LogRow {
  readonly id: number;
  readonly releaseId: string;
  readonly at: Date;
  readonly channel: 'stdout' | 'stderr';
  readonly line: string;
}

/** A line of a release's log, or null in its fields, with what it belongs to. */
export type ReleaseLogRow = (LogRow | { readonly [Column in keyof LogRow]: null }) & {
  readonly destination: string;
  readonly status: ReleaseStatus;
  /** Whether the destination may still be at work on a release that has ended. */
  readonly isOccupied: boolean;
};

export interface SweepRow {
  /**
   * A free destination with a queue; a release with a lease; one that is due or waits for its destination's report; one that
   * occupies its destination until the deadline.
   */
  readonly kind: 'queued' | 'leased' | 'deadline' | 'occupied';
  readonly destinationId: string;
  readonly organisationId: string;
  /** Null for `queued`. */
  readonly releaseId: string | null;
  readonly deadlineAt: Date | null;
  /** Milliseconds until the lease expires, 0 when it has; null unless `leased`. */
  readonly leaseMs: number | null;
}

const RELEASE = `
  select r.id, r.release_intent_id as "intentId", r.stage_id as "stageId", o.id as "organisationId", o.name as organisation,
          p.id as "projectId", p.name as project, r.environment, r.destination_id as "destinationId",
          r.destination_name as destination, d.deleted_at is not null as retired, d.metadata, d.secrets,
          json_build_object('organisation', d.type_organisation, 'name', d.type_name, 'version', d.type_version)
            as type,
          r.mode, r.run, i.force, r.status, r.started_at as "startedAt",
          json_build_object('id', a.id, 'slug', a.slug, 'title', a.title, 'commitSha', a.commit_sha, 'branch', a.branch,
            'version', a.version, 'metadata', a.metadata) as artifact, a.build_order as "buildOrder", d.revision,
          r.destination_revision as "startedRevision"
     from releases r
     join release_intents i on i.id = r.release_intent_id
     join projects p on p.id = r.project_id
     join organisations o on o.id = p.organisation_id
     join artifacts a on a.id = r.artifact_id
     join destinations d on d.id = r.destination_id`;

export const findRelease = statement<[id: string], ReleaseRow>(
  'deliveries.find',
  `${RELEASE} where r.id = $1`,
);

export const findReleases = statement<[ids: readonly string[]], ReleaseRow>(
  'deliveries.find_many',
  `${RELEASE} where r.id = any ($1::uuid[])`,
);

/** The destinations of releases, each once. */
export const findDestinations = statement<
  [releaseIds: readonly string[]],
  { destinationId: string; organisationId: string }
>(
  'deliveries.find_destinations',
  `select distinct d.id as "destinationId", d.organisation_id as "organisationId"
     from releases r join destinations d on d.id = r.destination_id where r.id = any ($1::uuid[])`,
);

/**
 * The release that occupies a destination, else the oldest one that can start there; no row while one runs. Releases of
 * waiting stages are skipped.
 */
export const findNext = statement<[destinationId: string], { id: string; occupiedUntil: Date | null }>(
  'deliveries.find_next',
  `(select id, occupied_until as "occupiedUntil" from releases where destination_id = $1 and occupied_until is not null)
   union all
   (select r.id, null
      from releases r join stages s on s.release_intent_id = r.release_intent_id and s.id = r.stage_id
     where r.destination_id = $1 and r.status = 'QUEUED' and s.status = 'ACTIVE'
       and not exists (select 1 from releases busy where busy.destination_id = $1 and ${isBusy('busy')})
     order by r.queued_at, r.id limit 1)`,
);

/**
 * Other releases of the same stage that are the next ones of free destinations. Destinations that run a newer build are left out: a
 * rollback starts on its own.
 */
export const findBeside = statement<
  [releaseId: string, intentId: string, stageId: string, limit: number],
  { id: string }
>(
  'deliveries.find_beside',
  `select r.id
     from releases r
     join artifacts a on a.id = r.artifact_id
     left join places p on p.destination_id = r.destination_id and p.project_id = r.project_id
     left join artifacts l on l.id = p.live_artifact_id
    where r.release_intent_id = $2 and r.stage_id = $3 and r.status = 'QUEUED' and r.id <> $1
      and coalesce(l.build_order <= a.build_order, true)
      and not exists (select from releases busy where busy.destination_id = r.destination_id and ${isBusy('busy')})
      and not exists (select from releases q
                        join stages s on s.release_intent_id = q.release_intent_id and s.id = q.stage_id
                       where q.destination_id = r.destination_id and q.status = 'QUEUED' and s.status = 'ACTIVE'
                         and (q.queued_at, q.id) < (r.queued_at, r.id))
    order by r.queued_at, r.id limit $4`,
);

/** Takes queued releases and returns the number of each one's new attempt; no row when it or its stage no longer waits to start. */
export const assignReleases = statement<
  [
    ids: readonly string[],
    owner: string,
    now: Date,
    deadlines: readonly Date[],
    tokenHashes: readonly Buffer[],
  ],
  { id: string; attempt: number }
>(
  'deliveries.assign',
  `with given as (
     select * from unnest($1::uuid[], $4::timestamptz[], $5::bytea[]) as g (id, deadline_at, token_hash)
   ), assigned as (
     update releases r
        set status = 'ASSIGNED', attempt = attempt + 1, lease_owner = $2,
            lease_until = clock_timestamp() + interval '4 seconds', assigned_at = $3, started_at = null,
            deadline_at = g.deadline_at, reported = false,
            destination_revision = (select d.revision from destinations d where d.id = r.destination_id)
       from given g
      where r.id = g.id and r.status = 'QUEUED' and r.occupied_until is null
        and exists (select 1 from stages s where s.release_intent_id = r.release_intent_id and s.id = r.stage_id
                       and s.status = 'ACTIVE')
     returning r.id, r.attempt, r.run, g.token_hash
   ), token as (
     insert into release_report_tokens (token_hash, release_id, run) select token_hash, id, run from assigned
   )
   select id, attempt from assigned`,
);

export const lockIntent = statement<[intentId: string]>(
  'deliveries.lock_intent',
  'select id from release_intents where id = $1 for no key update',
);

/** Puts a release whose delivery had not started back in the queue; no row while its lease is valid. */
export const requeueRelease = statement<[id: string], { id: string }>(
  'deliveries.requeue',
  `update releases set status = 'QUEUED', lease_owner = null, lease_until = null, assigned_at = null,
          deadline_at = null, destination_revision = null
    where id = $1 and status = 'ASSIGNED' and lease_until < clock_timestamp() returning id`,
);

/** Takes over a running release and returns the number of its new attempt; no row while its lease is valid. */
export const takeOverRelease = statement<[id: string, owner: string, tokenHash: Buffer], { attempt: number }>(
  'deliveries.take_over',
  `with taken as (
     update releases
        set attempt = attempt + 1, lease_owner = $2, lease_until = clock_timestamp() + interval '4 seconds'
      where id = $1 and status = 'RUNNING' and lease_until < clock_timestamp() returning id, attempt, run
   ), token as (
     insert into release_report_tokens (token_hash, release_id, run) select $3, id, run from taken
   )
   select attempt from taken`,
);

/** Renews leases and returns the ids of those that this server still has. Locked by id, like a cancellation, to avoid deadlocks. */
export const renewLeases = statement<
  [owner: string, ids: readonly string[], attempts: readonly number[]],
  { id: string }
>(
  'deliveries.renew_leases',
  `with still as (
     select r.id from releases r join unnest($2::uuid[], $3::int[]) as held (id, attempt) on r.id = held.id
      where r.attempt = held.attempt and r.lease_owner = $1 and r.status in ('ASSIGNED', 'RUNNING')
      order by r.id for no key update of r
   )
   update releases r set lease_until = clock_timestamp() + interval '4 seconds'
     from still where r.id = still.id returning r.id`,
);

/** With `awaitsReport` it also ends the lease: the destination reports the outcome later. No row when the attempt has lost it. */
export const markRunning = statement<
  [id: string, owner: string, attempt: number, now: Date, awaitsReport: boolean],
  { deadlineAt: Date }
>(
  'deliveries.mark_running',
  `update releases set status = 'RUNNING', started_at = coalesce(started_at, $4),
          lease_owner = case when $5 then null else lease_owner end,
          lease_until = case when $5 then null else lease_until end
    where id = $1 and lease_owner = $2 and attempt = $3 and status in ('ASSIGNED', 'RUNNING')
   returning deadline_at as "deadlineAt"`,
);

/** Ends all leases of a server, so that others resume its deliveries immediately. */
export const expireLeases = statement<[owner: string]>(
  'deliveries.expire_leases',
  `with held as (
     select id from releases where lease_owner = $1 and status in ('ASSIGNED', 'RUNNING')
      order by id for no key update
   )
   update releases r set lease_until = clock_timestamp() from held where r.id = held.id`,
);

/**
 * Ends a release that is assigned or running. With an owner and attempt: only while that lease is valid; with `onlyIfDue`: only
 * after the stored deadline; with a run: only in that one. No row when nothing changed.
 */
export const finishRelease = statement<
  [
    id: string,
    owner: string | null,
    attempt: number | null,
    status: ReleaseStatus,
    errorMessage: string | null,
    planOutput: string | null,
    now: Date,
    onlyIfDue: boolean,
    reported: boolean,
    run: number | null,
  ],
  { id: string }
>(
  'deliveries.finish',
  `update releases set status = $4, error_message = $5, plan_output = $6, completed_at = $7, lease_owner = null,
          lease_until = null, started_at = coalesce(started_at, $7), reported = $9
    where id = $1 and status in ('ASSIGNED', 'RUNNING') and ($10::int is null or run = $10::int)
      and ($2::uuid is null or (lease_owner = $2::uuid and attempt = $3::int))
      and (not $8 or deadline_at <= $7)
   returning id`,
);

/** Appends lines, an array of `LogLine` as JSON, to a release's log. */
export const insertLogs = statement<[releaseId: string, lines: string]>(
  'deliveries.insert_logs',
  `insert into release_logs (release_id, at, channel, line)
   select $1, (l.line ->> 'at')::timestamptz, l.line ->> 'channel', l.line ->> 'line'
     from jsonb_array_elements($2::jsonb) with ordinality as l (line, n) order by l.n`,
);

/**
 * Log lines after the last known id of each release: lines of one release can be committed after later lines of another, with
 * lower ids.
 */
export const listLogs = statement<
  [releaseIds: readonly string[], afterIds: readonly number[], limit: number, characters: number],
  LogRow
>(
  'deliveries.list_logs',
  `select id, release_id as "releaseId", at, channel, line
     from (select next.*, sum(length(line)) over (order by id) - length(line) as before
             from (select l.* from unnest($1::uuid[], $2::bigint[]) as known (release_id, id)
                    cross join lateral (select * from release_logs one
                                         where one.release_id = known.release_id and one.id > known.id
                                         order by one.id limit $3) l
                    order by l.id limit $3) next) lines
    where before < $4::bigint
    order by id`,
);

/** Lines of one release after a known one, oldest first; one row without a line when there is none. */
export const listReleaseLog = statement<[releaseId: string, afterId: string, limit: number], ReleaseLogRow>(
  'deliveries.list_release_log',
  `select r.destination_name as destination, r.status, r.occupied_until is not null as "isOccupied", l.id, l.release_id as "releaseId", l.at, l.channel, l.line
     from releases r
     left join lateral (select * from release_logs one where one.release_id = r.id and one.id > $2::bigint
                         order by one.id limit $3) l on true
    where r.id = $1 order by l.id`,
);

export const countLogs = statement<[releaseId: string], { count: number }>(
  'deliveries.count_logs',
  'select count(*) as count from release_logs where release_id = $1',
);

export const findByToken = statement<[tokenHash: Buffer], { releaseId: string; run: number }>(
  'deliveries.find_by_token',
  'select release_id as "releaseId", run from release_report_tokens where token_hash = $1',
);

/**
 * Ends the occupation of a release's destination: with a time only if it ends by then, with a run only if no later one was sent.
 */
export const freeDestination = statement<
  [releaseId: string, by: Date | null, run: number | null],
  { id: string }
>(
  'deliveries.free_destination',
  `update releases set occupied_until = null
    where id = $1 and occupied_until is not null and ($2::timestamptz is null or occupied_until <= $2)
      and ($3::int is null or $3 = (select max(run) from release_report_tokens where release_id = $1))
   returning id`,
);

/** What a project's live build is on a destination, under the lock of the place; no row for an unknown destination. */
export const lockPlace = statement<
  [organisationId: string, destination: string, projectId: string],
  { destinationId: string; live: string | null; doubt: string | null }
>(
  'deliveries.lock_place',
  `with place as (
     insert into places (destination_id, project_id)
     select id, $3 from destinations where organisation_id = $1 and name = $2 and deleted_at is null
     on conflict (destination_id, project_id) do update set project_id = excluded.project_id
     returning destination_id, live_artifact_id, doubt
   )
   select destination_id as "destinationId", doubt, (select slug from artifacts where id = live_artifact_id) as live
     from place`,
);

/** Whether a deployment of the project runs there, and the build that an admin names; its slug is null for an unknown one. */
export const findSettlement = statement<
  [destinationId: string, projectId: string, artifactId: string | null],
  { running: boolean; slug: string | null }
>(
  'deliveries.find_settlement',
  `select exists (select from releases where destination_id = $1 and project_id = $2 and mode = 'deploy'
                     and status = 'RUNNING') as running,
          (select slug from artifacts where id = $3 and project_id = $2) as slug`,
);

/** Makes a build of the project, or nothing, live on a place. */
export const settlePlace = statement<
  [destinationId: string, projectId: string, artifactId: string | null, now: Date]
>(
  'deliveries.settle_place',
  `select go_live($1, $2, $3, (select build_order from artifacts where id = $3), null, $4, null)`,
);

/** The release that occupies a destination, with nulls when there is none; no row for an unknown destination. */
export const findOccupying = statement<
  [organisationId: string, destination: string],
  { id: string | null; intentId: string; projectId: string; slug: string }
>(
  'deliveries.find_occupying',
  `select r.id, r.release_intent_id as "intentId", r.project_id as "projectId", a.slug
     from destinations d
     left join releases r on r.destination_id = d.id and r.occupied_until is not null
     left join artifacts a on a.id = r.artifact_id
    where d.organisation_id = $1 and d.name = $2 and d.deleted_at is null`,
);

/**
 * The places of which it is uncertain what runs there, the destinations that a delivery occupies after its end, and the environments
 * in which a rollback holds newer builds.
 */
export const countPlaces = statement<[], { uncertain: number; occupied: number; held: number }>(
  'deliveries.count_places',
  `select (select count(*)
             from places p join destinations d on d.id = p.destination_id and d.deleted_at is null
            where p.doubt is not null
               or exists (select from delivery_runs u
                           where u.destination_id = p.destination_id and u.project_id = p.project_id
                             and u.started_moment > p.live_moment and u.status in ('FAILED', 'TIMED_OUT', 'CANCELLED')
                             and u.late_status is null)) as uncertain,
          (select count(*) from releases where occupied_until is not null) as occupied,
          (select count(distinct (project_id, environment)) from holds where ended_at is null) as held`,
);

/** Queued releases whose gate is open, by whether their destination is free. Reads the queued ones by their index. */
export const countWaiting = statement<[], { ready: number; busy: number }>(
  'deliveries.count_waiting',
  `select count(*) filter (where not w.busy) as ready, count(*) filter (where w.busy) as busy
     from (select exists (select from releases b
                           where b.destination_id = r.destination_id and ${isBusy('b')}) as busy
             from releases r
            where r.status = 'QUEUED'
              and (select s.status = 'ACTIVE' from stages s
                    where s.release_intent_id = r.release_intent_id and s.id = r.stage_id)) w`,
);

/** Keeps what a destination reports of a run of which the server had decided the end, once and within 24 hours of it. */
export const keepLateReport = statement<
  [releaseId: string, run: number, status: 'SUCCEEDED' | 'FAILED', now: Date],
  { run: number }
>(
  'deliveries.keep_late_report',
  `update delivery_runs set late_status = $3, late_reported_at = $4
    where release_id = $1 and run = $2 and status in ('FAILED', 'TIMED_OUT', 'CANCELLED') and not reported
      and late_status is null and ended_at > $4::timestamptz - interval '24 hours'
   returning run`,
);

/** How a run ended, or what its destination has reported late. */
export const findOutcome = statement<[releaseId: string, run: number], { status: ReleaseStatus }>(
  'deliveries.find_outcome',
  `select coalesce(u.late_status, u.status, r.status) as status
     from releases r left join delivery_runs u on u.release_id = r.id and u.run = $2 where r.id = $1`,
);

/**
 * Everything that may have to be done now or soon, in one read by indexes, of each organisation in turn. Valid leases of this server
 * are left out: it renews them.
 */
export const listWork = statement<[now: Date, limit: number, owner: string], SweepRow>(
  'deliveries.list_work',
  `with queued as (
     select r.destination_id, d.organisation_id,
            row_number() over (partition by d.organisation_id order by min(r.queued_at)) as turn
       from releases r join destinations d on d.id = r.destination_id
      where r.status = 'QUEUED'
        -- A subquery, because a join would read all stages.
        and (select s.status = 'ACTIVE' from stages s where s.release_intent_id = r.release_intent_id and s.id = r.stage_id)
        and not exists (select 1 from releases busy
                         where busy.destination_id = r.destination_id and ${isBusy('busy')})
      group by r.destination_id, d.organisation_id
   ), in_flight as (
     select r.id, r.destination_id, d.organisation_id, r.lease_until, r.lease_owner, r.deadline_at,
            row_number() over (partition by d.organisation_id, r.lease_until is null
                               order by coalesce(r.lease_until, r.deadline_at)) as turn
       from releases r join destinations d on d.id = r.destination_id
      where r.status in ('ASSIGNED', 'RUNNING')
   )
   (select 'queued' as kind, destination_id as "destinationId", organisation_id as "organisationId",
           null::uuid as "releaseId", null::timestamptz as "deadlineAt", null::float8 as "leaseMs"
      from queued order by turn limit $2)
   union all
   (select 'leased', destination_id, organisation_id, id, null,
           greatest(0, extract(epoch from lease_until - clock_timestamp()) * 1000)::float8
      from in_flight
     where lease_until is not null and (lease_owner <> $3 or lease_until < clock_timestamp()) order by turn limit $2)
   union all
   (select 'deadline', destination_id, organisation_id, id, deadline_at, null
      from in_flight
     where lease_until is null or deadline_at < $1::timestamptz - interval '10 seconds'
     order by deadline_at limit $2)
   union all
   (select 'occupied', r.destination_id, d.organisation_id, r.id, r.occupied_until, null
      from releases r join destinations d on d.id = r.destination_id
     where r.occupied_until is not null order by r.occupied_until limit $2)`,
);
