import type { ReleaseMode, ReleaseStatus } from '#domain/release/stage.ts';
import { type Executor, statement } from '#server/db/database.ts';

/*
 * Leases run by the database's clock, which all servers share; deadlines by the server's, like every other time.
 * Order of locks everywhere: artifacts, intents by id, then releases.
 */

/**
 * Shorter than the sweep's period: whoever sweeps sees how long each lease has still to run and comes back at its end, so
 * what a dead server has left is taken up within five seconds.
 */
const LEASE = `clock_timestamp() + interval '4 seconds'`;

export interface QueuedRow {
  readonly id: string;
  readonly intentId: string;
}

/** Everything that a destination type is told, and that a finish needs to know. */
export interface ReleaseRow {
  readonly id: string;
  readonly intentId: string;
  readonly stageId: string;
  readonly organisationId: string;
  readonly organisation: string;
  readonly projectId: string;
  readonly project: string;
  readonly environment: string;
  readonly destinationId: string;
  readonly destination: string;
  readonly retired: boolean;
  readonly typeOrganisation: string;
  readonly typeName: string;
  readonly typeVersion: number;
  readonly destinationMetadata: Readonly<Record<string, string>>;
  /** Its secret fields, encrypted together. */
  readonly destinationSecrets: string | null;
  readonly mode: ReleaseMode;
  readonly force: boolean;
  readonly status: ReleaseStatus;
  readonly attempt: number;
  readonly assignedAt: Date | null;
  readonly startedAt: Date | null;
  readonly deadlineAt: Date | null;
  readonly artifactId: string;
  readonly slug: string;
  readonly title: string;
  readonly commitSha: string;
  readonly branch: string | null;
  readonly version: string | null;
  readonly artifactMetadata: Readonly<Record<string, string>>;
}

export interface LogRow {
  readonly id: number;
  readonly releaseId: string;
  readonly at: Date;
  readonly channel: 'stdout' | 'stderr';
  readonly line: string;
}

export interface SweepRow {
  /** A free destination with a release to start; a release under a server's lease; a reported one with its deadline. */
  readonly kind: 'queued' | 'leased' | 'deadline';
  readonly destinationId: string;
  /** Null for `queued`. */
  readonly releaseId: string | null;
  readonly deadlineAt: Date | null;
  /** Of `leased`: milliseconds until the lease runs out by the database's clock; 0 when it has. */
  readonly leaseLeft: number | null;
}

const RELEASE = statement<[id: string], ReleaseRow>(
  'deliveries.release',
  `select r.id, r.release_intent_id as "intentId", r.stage_id as "stageId", o.id as "organisationId",
          o.name as organisation, p.id as "projectId", p.name as project, r.environment,
          r.destination_id as "destinationId", r.destination_name as destination,
          d.deleted_at is not null as retired, d.type_organisation as "typeOrganisation",
          d.type_name as "typeName", d.type_version as "typeVersion", d.metadata as "destinationMetadata",
          d.secrets as "destinationSecrets", r.mode,
          i.force, r.status, r.attempt, r.assigned_at as "assignedAt", r.started_at as "startedAt",
          r.deadline_at as "deadlineAt", a.id as "artifactId", a.slug, a.title, a.commit_sha as "commitSha",
          a.branch, a.version, a.metadata as "artifactMetadata"
     from releases r
     join release_intents i on i.id = r.release_intent_id
     join projects p on p.id = r.project_id
     join organisations o on o.id = p.organisation_id
     join artifacts a on a.id = r.artifact_id
     join destinations d on d.id = r.destination_id
    where r.id = $1`,
);

const DESTINATION_OF = statement<[id: string], { destinationId: string }>(
  'deliveries.destination_of',
  'select destination_id as "destinationId" from releases where id = $1',
);

// A stage that went back to waiting keeps its queued releases: they are held and keep nobody else waiting.
const NEXT_QUEUED = statement<[destinationId: string], QueuedRow>(
  'deliveries.next_queued',
  `select r.id, r.release_intent_id as "intentId"
     from releases r join stages s on s.release_intent_id = r.release_intent_id and s.id = r.stage_id
    where r.destination_id = $1 and r.status = 'QUEUED' and s.status = 'ACTIVE'
      and not exists (select 1 from releases busy
                       where busy.destination_id = $1 and busy.status in ('ASSIGNED', 'RUNNING'))
    order by r.queued_at, r.id limit 1`,
);

const ASSIGN = statement<
  [id: string, owner: string, now: Date, deadlineAt: Date, tokenHash: Buffer],
  { attempt: number }
>(
  'deliveries.assign',
  `with assigned as (
     update releases r set status = 'ASSIGNED', attempt = attempt + 1, lease_owner = $2, lease_until = ${LEASE},
            assigned_at = $3, started_at = null, deadline_at = $4
      where r.id = $1 and r.status = 'QUEUED'
        and exists (select 1 from stages s where s.release_intent_id = r.release_intent_id and s.id = r.stage_id
                       and s.status = 'ACTIVE')
     returning r.id, r.attempt
   ), token as (
     insert into release_report_tokens (token_hash, release_id) select $5, id from assigned
   )
   select attempt from assigned`,
);

const LOCK_INTENT = statement<[intentId: string]>(
  'deliveries.lock_intent',
  'select id from release_intents where id = $1 for no key update',
);

// A finished deployment is a fact of the artifact's other intents too: all are locked in one order, before the release.
const LOCK_INTENTS = statement<[intentId: string, artifactId: string]>(
  'deliveries.lock_intents',
  `select id from release_intents where id = $1 or (artifact_id = $2 and status = 'ACTIVE')
    order by id for no key update`,
);

// An attempt that had not begun is no deployment yet: it goes back into the queue and through the gate again.
const REQUEUE = statement<[id: string], { id: string }>(
  'deliveries.requeue',
  `update releases set status = 'QUEUED', lease_owner = null, lease_until = null, assigned_at = null,
          deadline_at = null
    where id = $1 and status = 'ASSIGNED' and lease_until < clock_timestamp() returning id`,
);

const TAKE_OVER = statement<[id: string, owner: string, tokenHash: Buffer], { attempt: number }>(
  'deliveries.take_over',
  `with taken as (
     update releases set attempt = attempt + 1, lease_owner = $2, lease_until = ${LEASE}
      where id = $1 and status = 'RUNNING' and lease_until < clock_timestamp() returning id, attempt
   ), token as (
     insert into release_report_tokens (token_hash, release_id) select $3, id from taken
   )
   select attempt from taken`,
);

// In the order of their ids, as a cancellation takes them: two that hold one and want the other would both wait.
const RENEW = statement<[owner: string, ids: readonly string[], attempts: readonly number[]], { id: string }>(
  'deliveries.renew',
  `with still as (
     select r.id from releases r join unnest($2::uuid[], $3::int[]) as held (id, attempt) on r.id = held.id
      where r.attempt = held.attempt and r.lease_owner = $1 and r.status in ('ASSIGNED', 'RUNNING')
      order by r.id for no key update of r
   )
   update releases r set lease_until = ${LEASE} from still where r.id = still.id returning r.id`,
);

const RUNNING = statement<[id: string, owner: string, attempt: number, now: Date], { id: string }>(
  'deliveries.running',
  `update releases set status = 'RUNNING', started_at = coalesce(started_at, $4)
    where id = $1 and lease_owner = $2 and attempt = $3 and status in ('ASSIGNED', 'RUNNING') returning id`,
);

const LET_GO = statement<[id: string, owner: string, attempt: number, now: Date], { deadlineAt: Date }>(
  'deliveries.let_go',
  `update releases set status = 'RUNNING', started_at = coalesce(started_at, $4), lease_owner = null,
          lease_until = null
    where id = $1 and lease_owner = $2 and attempt = $3 and status in ('ASSIGNED', 'RUNNING')
   returning deadline_at as "deadlineAt"`,
);

const RELEASE_LEASES = statement<[owner: string]>(
  'deliveries.release_leases',
  `with held as (
     select id from releases where lease_owner = $1 and status in ('ASSIGNED', 'RUNNING')
      order by id for no key update
   )
   update releases r set lease_until = clock_timestamp() from held where r.id = held.id`,
);

const FINISH = statement<
  [
    id: string,
    owner: string | null,
    attempt: number | null,
    status: ReleaseStatus,
    errorMessage: string | null,
    planOutput: string | null,
    now: Date,
    onlyIfDue: boolean,
  ],
  { id: string }
>(
  'deliveries.finish',
  `update releases set status = $4, error_message = $5, plan_output = $6, completed_at = $7, lease_owner = null,
          lease_until = null, started_at = coalesce(started_at, $7)
    where id = $1 and status in ('ASSIGNED', 'RUNNING')
      and ($2::uuid is null or (lease_owner = $2::uuid and attempt = $3::int))
      and (not $8 or deadline_at <= $7)
   returning id`,
);

const ADD_LOGS = statement<
  [releaseId: string, ats: readonly Date[], channels: readonly string[], lines: readonly string[]]
>(
  'deliveries.add_logs',
  `insert into release_logs (release_id, at, channel, line)
   select $1, l.at, l.channel, l.line
     from unnest($2::timestamptz[], $3::text[], $4::text[]) with ordinality as l (at, channel, line, n)
    order by l.n`,
);

// Each release has its own place: lines of one may be committed after later ones of another, with lower ids.
const READ_LOGS = statement<
  [releaseIds: readonly string[], afterIds: readonly number[], limit: number],
  LogRow
>(
  'deliveries.read_logs',
  `select l.id, l.release_id as "releaseId", l.at, l.channel, l.line
     from unnest($1::uuid[], $2::bigint[]) as told (release_id, id)
    cross join lateral (select * from release_logs one
                         where one.release_id = told.release_id and one.id > told.id order by one.id limit $3) l
    order by l.id limit $3`,
);

const COUNT_LOGS = statement<[releaseId: string], { count: number }>(
  'deliveries.count_logs',
  'select count(*) as count from release_logs where release_id = $1',
);

const BY_TOKEN = statement<[tokenHash: Buffer], { id: string }>(
  'deliveries.by_token',
  'select release_id as id from release_report_tokens where token_hash = $1',
);

const SWEEP = statement<[now: Date, limit: number], SweepRow>(
  'deliveries.sweep',
  `(select distinct 'queued' as kind, r.destination_id as "destinationId", null::uuid as "releaseId",
           null::timestamptz as "deadlineAt", null::float8 as "leaseLeft"
      from releases r join stages s on s.release_intent_id = r.release_intent_id and s.id = r.stage_id
     where r.status = 'QUEUED' and s.status = 'ACTIVE'
       and not exists (select 1 from releases busy
                        where busy.destination_id = r.destination_id and busy.status in ('ASSIGNED', 'RUNNING'))
     limit $2)
   union all
   (select 'leased', destination_id, id, null,
           greatest(0, extract(epoch from lease_until - clock_timestamp()) * 1000)::float8 from releases
     where status in ('ASSIGNED', 'RUNNING') and lease_until is not null order by lease_until limit $2)
   union all
   (select 'deadline', destination_id, id, deadline_at, null from releases
     where status in ('ASSIGNED', 'RUNNING')
       and (lease_until is null or deadline_at < $1::timestamptz - interval '10 seconds')
     order by deadline_at limit $2)`,
);

export async function findRelease(executor: Executor, id: string) {
  return (await executor.run(RELEASE, [id]))[0];
}

export async function destinationOf(executor: Executor, releaseId: string): Promise<string | undefined> {
  return (await executor.run(DESTINATION_OF, [releaseId]))[0]?.destinationId;
}

/** The oldest release that may be started on a destination; undefined when it is busy or has none. */
export async function nextQueued(executor: Executor, destinationId: string) {
  return (await executor.run(NEXT_QUEUED, [destinationId]))[0];
}

/** The new attempt's number; undefined when the release or its stage is no longer waiting to start. */
export async function assign(
  executor: Executor,
  release: { id: string; owner: string; now: Date; deadlineAt: Date; tokenHash: Buffer },
): Promise<number | undefined> {
  const { id, owner, now, deadlineAt, tokenHash } = release;
  return (await executor.run(ASSIGN, [id, owner, now, deadlineAt, tokenHash]))[0]?.attempt;
}

export async function lockIntent(executor: Executor, intentId: string): Promise<void> {
  await executor.run(LOCK_INTENT, [intentId]);
}

export async function lockIntentsOfArtifact(
  executor: Executor,
  intentId: string,
  artifactId: string,
): Promise<void> {
  await executor.run(LOCK_INTENTS, [intentId, artifactId]);
}

/** Puts a release whose attempt never began back into the queue; false when its lease holds or it has begun. */
export async function requeue(executor: Executor, id: string): Promise<boolean> {
  return (await executor.run(REQUEUE, [id])).length > 0;
}

/** The new attempt's number; undefined when somebody else was faster. */
export async function takeOver(executor: Executor, id: string, owner: string, tokenHash: Buffer) {
  return (await executor.run(TAKE_OVER, [id, owner, tokenHash]))[0]?.attempt;
}

/** Renews leases and gives the ids of those that are still held. */
export async function renewLeases(
  executor: Executor,
  owner: string,
  held: readonly { id: string; attempt: number }[],
): Promise<Set<string>> {
  const rows = await executor.run(RENEW, [owner, held.map((h) => h.id), held.map((h) => h.attempt)]);
  return new Set(rows.map((row) => row.id));
}

/** False when the attempt no longer holds the release. */
export async function markRunning(
  executor: Executor,
  id: string,
  owner: string,
  attempt: number,
  now: Date,
): Promise<boolean> {
  return (await executor.run(RUNNING, [id, owner, attempt, now])).length > 0;
}

/** Leaves a release running without a lease, until it is reported or due; undefined when the attempt lost it. */
export async function letGo(executor: Executor, id: string, owner: string, attempt: number, now: Date) {
  return (await executor.run(LET_GO, [id, owner, attempt, now]))[0]?.deadlineAt;
}

/** Lets another server go on at once with what this one held. */
export async function releaseLeases(executor: Executor, owner: string): Promise<void> {
  await executor.run(RELEASE_LEASES, [owner]);
}

/**
 * Ends a release that is under way; false when it is not, or not under the fence's lease and attempt, or (`onlyIfDue`)
 * its deadline is still to come.
 */
export async function finish(
  executor: Executor,
  release: {
    id: string;
    fence: { owner: string; attempt: number } | null;
    status: ReleaseStatus;
    errorMessage: string | null;
    planOutput: string | null;
    now: Date;
    onlyIfDue: boolean;
  },
): Promise<boolean> {
  const { id, fence, status, errorMessage, planOutput, now, onlyIfDue } = release;
  const rows = await executor.run(FINISH, [
    id,
    fence?.owner ?? null,
    fence?.attempt ?? null,
    status,
    errorMessage,
    planOutput,
    now,
    onlyIfDue,
  ]);
  return rows.length > 0;
}

export async function addLogs(
  executor: Executor,
  releaseId: string,
  lines: readonly { at: Date; channel: 'stdout' | 'stderr'; line: string }[],
): Promise<void> {
  if (lines.length === 0) return;
  await executor.run(ADD_LOGS, [
    releaseId,
    lines.map((l) => l.at),
    lines.map((l) => l.channel),
    lines.map((l) => l.line),
  ]);
}

export function readLogs(
  executor: Executor,
  after: ReadonlyMap<string, number>,
  limit: number,
): Promise<LogRow[]> {
  return executor.run(READ_LOGS, [[...after.keys()], [...after.values()], limit]);
}

export async function countLogs(executor: Executor, releaseId: string): Promise<number> {
  return (await executor.run(COUNT_LOGS, [releaseId]))[0]?.count ?? 0;
}

export async function findByToken(executor: Executor, tokenHash: Buffer): Promise<string | undefined> {
  return (await executor.run(BY_TOKEN, [tokenHash]))[0]?.id;
}

/** What there may be to do, in one read. */
export function sweep(executor: Executor, now: Date, limit: number): Promise<SweepRow[]> {
  return executor.run(SWEEP, [now, limit]);
}
