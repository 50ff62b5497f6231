import { isReleaseEnded, recoveryOf } from '#domain/release/release-status.ts';
import type { AppContext } from '#server/context.ts';
import { type Executor, isUniqueViolation, type Transaction } from '#server/db/database.ts';
import type { Outcome } from '#server/destinations/destination-type.ts';
import { hashSecret } from '#server/features/credentials/secret.ts';
import { endOvertakenHolds, gateForStart } from '#server/features/gate/service.ts';
import { holdProject, wakeAfterDelivery, wakeIntent, wakePlace } from '#server/features/gate/wake.ts';
import { record } from '#server/features/history/service.ts';
import type { WaitingDeliveries } from '#server/observe/metrics.ts';
import { requestScope } from '#server/request-scope.ts';
import { subjects } from '#server/signals/bus.ts';
import { type Claim, claimOf, type Fence, timeoutOf } from './claim.ts';
import { fitToLog, type LogLine, MAX_ERROR_LENGTH, MAX_PLAN_LENGTH, storable } from './log-lines.ts';
import * as store from './store.ts';

export type { LogRow } from './store.ts';

const MAX_WORK = 1_000;
/** What one read of a stream returns: at most so many lines, and none after so many characters. */
const MAX_LOG_ROWS = 100;
const MAX_LOG_CHARACTERS = 128 * 1024;

const publishStatus = (app: AppContext, intentId: string): void =>
  app.bus.publish(subjects.releaseStatus(intentId), intentId);

/** The destinations of releases and their organisations, each once; unknown releases are left out. */
export const findDestinations = (app: AppContext, releaseIds: readonly string[]) =>
  app.db.run(store.findDestinations, [releaseIds]);

/** A release that has ended, but whose destination may still be at work. */
export interface Occupation {
  readonly releaseId: string;
  readonly occupiedUntil: Date;
}

/**
 * Starts the oldest release that waits for a destination, if the destination is free, and with it others of its stage that can start
 * too. The gate is evaluated in the transaction that starts them; a release whose gate has closed waits again, and the next one is
 * tried.
 * @param limit the most releases to start, at least 1
 * @returns what to deliver, or what occupies the destination; null when there is nothing to start
 */
export async function claimNext(
  app: AppContext,
  owner: string,
  destinationId: string,
  limit: number,
): Promise<readonly Claim[] | Occupation | null> {
  const tried = new Set<string>();
  for (;;) {
    const [next] = await app.db.run(store.findNext, [destinationId]);
    if (next?.occupiedUntil) return { releaseId: next.id, occupiedUntil: next.occupiedUntil };
    // A closed gate removes its release from the queue; one that is still there was changed concurrently.
    if (next === undefined || tried.has(next.id)) return null;
    tried.add(next.id);
    const claims = await start(app, owner, next.id, limit);
    if (claims !== 'closed') return claims;
  }
}

async function start(
  app: AppContext,
  owner: string,
  releaseId: string,
  limit: number,
): Promise<readonly Claim[] | 'closed' | null> {
  try {
    return await app.db.transaction(async (tx) => {
      const place = await gateForStart(tx, app, releaseId);
      if (place === null) return 'closed';
      const { intentId, stageId, isOlder } = place;
      const beside =
        limit === 1 || isOlder
          ? []
          : await tx.run(store.findBeside, [releaseId, intentId, stageId, limit - 1]);
      const found = await tx.run(store.findReleases, [[releaseId, ...beside.map(({ id }) => id)]]);
      const now = app.clock.now();
      const starting = new Map(found.map((row) => [row.id, { row, reportToken: app.newSecret() }]));
      const assigned = await tx.run(store.assignReleases, [
        [...starting.keys()],
        owner,
        now,
        found.map((row) => new Date(now.getTime() + timeoutOf(app, row))),
        [...starting.values()].map(({ reportToken }) => hashSecret(reportToken)),
      ]);
      if (assigned.length === 0) return 'closed';
      tx.afterCommit(() => publishStatus(app, intentId));
      return assigned.flatMap(({ id, attempt }) => {
        const one = starting.get(id);
        return one === undefined ? [] : [claimOf(app, one.row, { owner, attempt }, one.reportToken, now)];
      });
    });
  } catch (error) {
    if (!isUniqueViolation(error, 'releases_one_running')) throw error;
    // Another server has started another release on one of the destinations, or one occupies it.
    return limit === 1 ? null : start(app, owner, releaseId, 1);
  }
}

/**
 * Recovers a release whose lease has expired: a delivery that had started is resumed with the same id; one that had not started
 * is queued again.
 * @returns what to deliver; null when there is nothing to resume here
 */
export async function takeOver(app: AppContext, owner: string, releaseId: string): Promise<Claim | null> {
  const [row] = await app.db.run(store.findRelease, [releaseId]);
  const recovery = row === undefined ? null : recoveryOf(row.status);
  if (row === undefined || recovery === null) return null;
  if (recovery === 'requeue') {
    await requeue(app, row);
    return null;
  }
  if (row.startedAt === null) return null;
  const reportToken = app.newSecret();
  const [taken] = await app.db.run(store.takeOverRelease, [releaseId, owner, hashSecret(reportToken)]);
  if (taken === undefined) return null;
  return claimOf(app, row, { owner, attempt: taken.attempt }, reportToken, row.startedAt);
}

const requeue = (app: AppContext, { id, intentId }: store.ReleaseRow): Promise<void> =>
  app.db.transaction(async (tx) => {
    await tx.run(store.lockIntent, [intentId]);
    const [requeued] = await tx.run(store.requeueRelease, [id]);
    if (requeued === undefined) return;
    // The gate may have closed in the meantime, so the coordinator evaluates it too.
    await wakeIntent(tx, app, intentId);
    tx.afterCommit(() => {
      app.bus.publish(subjects.releaseQueued, id);
      publishStatus(app, intentId);
    });
  });

/** Renews a server's leases; returns the ids of the releases that it still owns. */
export async function renewLeases(
  app: AppContext,
  owner: string,
  held: readonly { readonly id: string; readonly attempt: number }[],
): Promise<ReadonlySet<string>> {
  const params = [owner, held.map(({ id }) => id), held.map(({ attempt }) => attempt)] as const;
  return new Set((await app.db.run(store.renewLeases, params)).map(({ id }) => id));
}

/** Expires a server's leases, so that other servers take over its deliveries. */
export async function expireLeases(app: AppContext, owner: string): Promise<void> {
  await app.db.run(store.expireLeases, [owner]);
}

/**
 * Records that the destination has started; with `awaitsReport` also that it reports the outcome later.
 * @returns the deadline; null when the attempt no longer owns the release
 */
export async function markRunning(
  app: AppContext,
  { delivery, fence, intentId }: Claim,
  awaitsReport: boolean,
): Promise<Date | null> {
  const params = [delivery.releaseId, fence.owner, fence.attempt, app.clock.now(), awaitsReport] as const;
  const [running] = await app.db.run(store.markRunning, params);
  if (running !== undefined) publishStatus(app, intentId);
  return running?.deadlineAt ?? null;
}

/** Appends to a release's log and notifies its watchers. */
export async function appendLogs(
  app: AppContext,
  { delivery, intentId }: Claim,
  lines: readonly LogLine[],
): Promise<void> {
  await app.db.run(store.insertLogs, [delivery.releaseId, JSON.stringify(lines)]);
  publishStatus(app, intentId);
}

/** Appends the lines that fit in the release's log. */
export async function appendFittingLogs(
  executor: Executor,
  releaseId: string,
  lines: readonly LogLine[],
): Promise<void> {
  if (lines.length === 0) return;
  const [counted] = await executor.run(store.countLogs, [releaseId]);
  await executor.run(store.insertLogs, [releaseId, JSON.stringify(fitToLog(lines, counted?.count ?? 0))]);
}

const KINDS = { SUCCEEDED: 'succeeded', FAILED: 'failed', TIMED_OUT: 'timed_out' } as const;

/**
 * Ends a release in one transaction: its status, log and history, and the wake-up of every intent that it affects. With a
 * fence only the attempt that owns the lease can; without one (a report, a deadline) the first caller wins.
 * @returns false when nothing changed: the release had ended, or the fence is no longer valid
 */
export async function finish(
  app: AppContext,
  release: {
    readonly releaseId: string;
    readonly fence: Fence | null;
    readonly outcome: Exclude<Outcome, { status: 'RUNNING' }>;
    readonly lines?: readonly LogLine[];
    /** Only after the deadline of the current attempt. */
    readonly onlyIfDue?: boolean;
    /** Only in this run. */
    readonly run?: number;
  },
): Promise<boolean> {
  const { releaseId, fence, outcome, lines = [], onlyIfDue = false, run = null } = release;
  const reported = outcome.status === 'FAILED' ? outcome.reported : outcome.status === 'SUCCEEDED';
  const finished = await app.db.transaction(async (tx) => {
    const [row] = await tx.run(store.findRelease, [releaseId]);
    if (row === undefined || isReleaseEnded(row.status)) return false;
    // What a deployment leaves behind decides over other releases of the project too.
    if (row.mode === 'deploy') await wakeAround(tx, app, row, row.intentId);
    else await tx.run(store.lockIntent, [row.intentId]);
    const error = outcome.status === 'SUCCEEDED' ? null : storable(outcome.errorMessage, MAX_ERROR_LENGTH);
    const plan = outcome.status === 'SUCCEEDED' ? (outcome.planOutput ?? '') : '';
    const storedPlan = row.mode === 'plan' ? storable(plan, MAX_PLAN_LENGTH) : null;
    const by = [fence?.owner ?? null, fence?.attempt ?? null] as const;
    const how = [outcome.status, error, storedPlan, app.clock.now(), onlyIfDue, reported, run] as const;
    const [ended] = await tx.run(store.finishRelease, [releaseId, ...by, ...how]);
    if (ended === undefined) return false;
    await appendFittingLogs(tx, releaseId, lines);
    await recordDelivery(tx, app, row, KINDS[outcome.status], { status: outcome.status, error });
    await wakeAfterDelivery(tx, app, row.intentId, row.stageId);
    if (row.mode === 'deploy' && outcome.status === 'SUCCEEDED') await endOvertakenHolds(tx, app, row);
    tx.afterCommit(() => publishEnd(app, row));
    return true;
  });
  // With a fence, the dispatcher counts the outcome.
  if (finished && fence === null) app.metrics.deliveryReported(KINDS[outcome.status]);
  return finished;
}

const recordDelivery = (
  tx: Transaction,
  app: AppContext,
  row: store.ReleaseRow,
  verb: string,
  after: object,
): Promise<void> =>
  record(tx, app, {
    organisationId: row.organisationId,
    projectId: row.projectId,
    releaseIntentId: row.intentId,
    kind: `${row.mode === 'plan' ? 'plan' : 'deployment'}.${verb}`,
    actor: null,
    // Within a request the destination reports, with the token of this release.
    ...(requestScope() !== null && { proof: { kind: 'report', id: null } }),
    subject: `${row.artifact.slug} on ${row.environment}/${row.destination}`,
    after: { environment: row.environment, destination: row.destination, ...after },
  });

/** Signals that a release has ended or freed its destination: watchers show it, and the queue moves on. */
export function publishEnd(
  app: AppContext,
  { id, intentId }: Pick<store.ReleaseRow, 'id' | 'intentId'>,
): void {
  publishStatus(app, intentId);
  app.bus.publish(subjects.releaseQueued, id);
}

/** Wakes and locks the project's releases that a delivery concerns; `exceptId` is locked only. */
async function wakeAround(
  tx: Transaction,
  app: AppContext,
  row: store.ReleaseRow,
  exceptId: string | null = null,
): Promise<void> {
  await holdProject(tx, row.projectId);
  await wakePlace(tx, app, row.projectId, row.environment, exceptId);
}

/** Frees the destination of a release whose grace period is over. */
export const endGracePeriod = (app: AppContext, releaseId: string): Promise<void> =>
  app.db.transaction(async (tx) => {
    const [row] = await tx.run(store.findRelease, [releaseId]);
    if (row === undefined) return;
    await wakeAround(tx, app, row);
    const [freed] = await tx.run(store.freeDestination, [releaseId, app.clock.now(), null]);
    if (freed !== undefined) tx.afterCommit(() => publishEnd(app, row));
  });

/**
 * Keeps what a destination reports of a delivery whose end the server had decided. It decides what is live and frees the
 * destination; the status of the release stays.
 * @returns false when nothing changed: it has reported before, or more than 24 hours have passed
 */
export const keepLateReport = (
  app: AppContext,
  report: {
    readonly releaseId: string;
    readonly run: number;
    readonly status: 'SUCCEEDED' | 'FAILED';
    readonly error: string | null;
    readonly lines: readonly LogLine[];
  },
): Promise<boolean> =>
  app.db.transaction(async (tx) => {
    const { releaseId, run, status, error, lines } = report;
    const [row] = await tx.run(store.findRelease, [releaseId]);
    if (row === undefined) return false;
    await wakeAround(tx, app, row);
    // Before the delivery's place is locked, as by a delivery that starts.
    await tx.run(store.freeDestination, [releaseId, null, run]);
    const [kept] = await tx.run(store.keepLateReport, [releaseId, run, status, app.clock.now()]);
    if (kept === undefined) return false;
    await appendFittingLogs(tx, releaseId, lines);
    await recordDelivery(tx, app, row, 'reported_late', { status, error, ...(run > 1 && { run }) });
    tx.afterCommit(() => publishEnd(app, row));
    return true;
  });

/**
 * Finds pending work in one indexed read, of each organisation in turn: free destinations with a queue, leases except valid ones of
 * `owner`, deadlines, grace periods; at most 1,000 of each.
 */
export const findWork = (app: AppContext, owner: string): Promise<store.SweepRow[]> =>
  app.db.run(store.listWork, [app.clock.now(), MAX_WORK, owner]);

/** How many queued deliveries with an open gate wait for a server, and for their destination, for the metrics. */
export async function countWaiting(db: Executor): Promise<WaitingDeliveries> {
  const [counts] = await db.run(store.countWaiting, []);
  return counts ?? { ready: 0, busy: 0 };
}

/** Ends a release that was not reported in time. The stored deadline decides: the caller's may be of an earlier attempt. */
export function timeOut(app: AppContext, releaseId: string): Promise<boolean> {
  const errorMessage = 'the destination did not report the outcome in time';
  return finish(app, {
    releaseId,
    fence: null,
    outcome: { status: 'TIMED_OUT', errorMessage },
    onlyIfDue: true,
  });
}

/**
 * Log lines of releases, oldest first, at most 500. `after` has, for each release, the id of its last known line (0 for
 * none).
 */
export const listLogs = (executor: Executor, after: ReadonlyMap<string, number>): Promise<store.LogRow[]> =>
  executor.run(store.listLogs, [[...after.keys()], [...after.values()], MAX_LOG_ROWS, MAX_LOG_CHARACTERS]);
