import type { AppContext } from '#server/context.ts';
import { type Executor, isUniqueViolation, type Transaction } from '#server/db/database.ts';
import type { Delivery, DestinationType, Outcome } from '#server/destinations/destination-type.ts';
import { hashSecret } from '#server/features/credentials/secret.ts';
import { openMetadata } from '#server/features/destinations/sealed-metadata.ts';
import { gateForStart } from '#server/features/gate/service.ts';
import { holdArtifact, wakeArtifact, wakeIntent } from '#server/features/gate/wake.ts';
import { record } from '#server/features/history/service.ts';
import { requestScope } from '#server/request-scope.ts';
import { SealError } from '#server/secrets/keyring.ts';
import { subjects } from '#server/signals/bus.ts';
import { fitting, type LogLine, MAX_ERROR_LENGTH, MAX_PLAN_LENGTH, storable } from './log-lines.ts';
import * as store from './store.ts';

export type LogRow = store.LogRow;
export type Found = store.SweepRow;

/** The attempt that a server holds: results count only while the lease's owner and the attempt are still these. */
export interface Fence {
  readonly owner: string;
  readonly attempt: number;
}

/** A release that this server is to deliver now. */
export interface Claim {
  readonly fence: Fence;
  readonly intentId: string;
  readonly destinationId: string;
  readonly delivery: Delivery;
  /** Undefined when this server does not know the type, or the destination was deleted meanwhile. */
  readonly type: DestinationType | undefined;
  readonly typeName: string;
  /** Why it cannot be delivered from here, in words for people; null when it can. */
  readonly problem: string | null;
}

/** For destinations of a type that this server does not know, which fail at once. */
const FALLBACK_TIMEOUT_SECONDS = 60;
const SWEEP_LIMIT = 1_000;

function typeOf(app: AppContext, row: store.ReleaseRow): DestinationType | undefined {
  return row.retired
    ? undefined
    : app.destinationTypes.find(row.typeOrganisation, row.typeName, row.typeVersion);
}

function claimOf(
  app: AppContext,
  row: store.ReleaseRow,
  fence: Fence,
  reportToken: string,
  startedAt: Date,
): Claim {
  const { metadata, problem } = metadataOf(app, row);
  return {
    fence,
    intentId: row.intentId,
    destinationId: row.destinationId,
    type: typeOf(app, row),
    typeName: `${row.typeOrganisation}/${row.typeName}@${row.typeVersion}`,
    problem,
    delivery: {
      releaseId: row.id,
      releaseIntentId: row.intentId,
      organisation: row.organisation,
      project: row.project,
      environment: row.environment,
      destination: row.destination,
      mode: row.mode,
      force: row.force,
      metadata,
      artifact: {
        id: row.artifactId,
        slug: row.slug,
        title: row.title,
        commitSha: row.commitSha,
        branch: row.branch,
        version: row.version,
        metadata: row.artifactMetadata,
      },
      reportToken,
      startedAt,
    },
  };
}

/** The destination's metadata with its secrets, or why they cannot be read. */
function metadataOf(app: AppContext, row: store.ReleaseRow) {
  const stored = { metadata: row.destinationMetadata, secrets: row.destinationSecrets };
  try {
    return { metadata: openMetadata(app.keyring, row.destinationId, stored), problem: null };
  } catch (error) {
    if (!(error instanceof SealError)) throw error;
    const problem = `the secrets of destination "${row.destination}" cannot be read: ${error.message}; give it new ones`;
    return { metadata: stored.metadata, problem };
  }
}

function signalStatus(tx: Transaction, app: AppContext, intentId: string): void {
  tx.afterCommit(() => app.bus.publish(subjects.releaseStatus(intentId), intentId));
}

/** The destination of a release, whatever its status. */
export function destinationOf(app: AppContext, releaseId: string): Promise<string | undefined> {
  return store.destinationOf(app.db, releaseId);
}

/**
 * Starts the oldest release that waits for a destination, if the destination is free. The gate is asked in the very
 * transaction that starts it; a release whose gate has closed goes back to waiting, and the next one is tried.
 * @returns what to deliver; null when there is nothing to start
 */
export async function claimNext(
  app: AppContext,
  owner: string,
  destinationId: string,
): Promise<Claim | null> {
  const held = new Set<string>();
  for (;;) {
    const next = await store.nextQueued(app.db, destinationId);
    // A closed gate takes its release out of the queue; one that is still there was changed by somebody else.
    if (next === undefined || held.has(next.id)) return null;
    held.add(next.id);
    const claim = await start(app, owner, next.id);
    if (claim !== 'closed') return claim;
  }
}

async function start(app: AppContext, owner: string, releaseId: string): Promise<Claim | 'closed' | null> {
  const reportToken = app.newSecret();
  try {
    return await app.db.transaction(async (tx) => {
      const { open } = await gateForStart(tx, app, releaseId);
      if (!open) return 'closed';
      const row = await store.findRelease(tx, releaseId);
      if (row === undefined) return 'closed';
      const now = app.clock.now();
      const seconds = typeOf(app, row)?.timeoutSeconds(row.destinationMetadata) ?? FALLBACK_TIMEOUT_SECONDS;
      const attempt = await store.assign(tx, {
        id: releaseId,
        owner,
        now,
        deadlineAt: new Date(now.getTime() + seconds * 1000),
        tokenHash: hashSecret(reportToken),
      });
      if (attempt === undefined) return 'closed';
      signalStatus(tx, app, row.intentId);
      return claimOf(app, row, { owner, attempt }, reportToken, now);
    });
  } catch (error) {
    // Another server began another release on this destination in the same moment: this one goes on waiting.
    if (isUniqueViolation(error, 'releases_one_running')) return null;
    throw error;
  }
}

/**
 * Goes on with a release whose server is gone: one that had begun is delivered again under the same id; one that had not
 * is put back into the queue, to pass the gate again.
 * @returns what to deliver; null when there is nothing to go on with here
 */
export async function takeOver(app: AppContext, owner: string, releaseId: string): Promise<Claim | null> {
  const row = await store.findRelease(app.db, releaseId);
  if (row === undefined) return null;
  if (row.status === 'ASSIGNED') {
    await app.db.transaction(async (tx) => {
      await store.lockIntent(tx, row.intentId);
      if (!(await store.requeue(tx, releaseId))) return;
      // The gate may have closed while it was away: the coordinator looks as well.
      await wakeIntent(tx, app, row.intentId);
      tx.afterCommit(() => app.bus.publish(subjects.releaseQueued, releaseId));
      signalStatus(tx, app, row.intentId);
    });
    return null;
  }
  if (row.status !== 'RUNNING' || row.startedAt === null) return null;
  const reportToken = app.newSecret();
  const attempt = await store.takeOver(app.db, releaseId, owner, hashSecret(reportToken));
  if (attempt === undefined) return null;
  return claimOf(app, row, { owner, attempt }, reportToken, row.startedAt);
}

/** Renews the leases that are held; gives the ids of the releases that still are this server's. */
export function renewLeases(
  app: AppContext,
  owner: string,
  held: readonly { id: string; attempt: number }[],
): Promise<Set<string>> {
  return store.renewLeases(app.db, owner, held);
}

/** Ends this server's leases, so that another one goes on at once. */
export function releaseLeases(app: AppContext, owner: string): Promise<void> {
  return store.releaseLeases(app.db, owner);
}

/** Notes that the destination has begun; false when the attempt no longer holds the release. */
export async function markRunning(app: AppContext, { delivery, fence, intentId }: Claim): Promise<boolean> {
  const { owner, attempt } = fence;
  const held = await store.markRunning(app.db, delivery.releaseId, owner, attempt, app.clock.now());
  if (held) app.bus.publish(subjects.releaseStatus(intentId), intentId);
  return held;
}

/** Leaves a release to be reported by its destination; gives its deadline, or null when the attempt lost it. */
export async function leaveRunning(
  app: AppContext,
  { delivery, fence, intentId }: Claim,
): Promise<Date | null> {
  const { owner, attempt } = fence;
  const deadline = await store.letGo(app.db, delivery.releaseId, owner, attempt, app.clock.now());
  if (deadline !== undefined) app.bus.publish(subjects.releaseStatus(intentId), intentId);
  return deadline ?? null;
}

/** Appends to a release's log and tells those who watch. */
export async function appendLogs(
  app: AppContext,
  { delivery, intentId }: Claim,
  lines: readonly LogLine[],
): Promise<void> {
  await store.addLogs(app.db, delivery.releaseId, lines);
  app.bus.publish(subjects.releaseStatus(intentId), intentId);
}

const KINDS = { SUCCEEDED: 'succeeded', FAILED: 'failed', TIMED_OUT: 'timed_out' } as const;

/**
 * Ends a release in one transaction: its status, its log, its history, and the wake-up of every intent that it is a fact
 * of. With a fence only the attempt that holds the lease may; without one (a report, a deadline) whoever comes first.
 * @returns false when the release had ended already or the fence no longer holds: nothing was changed then
 */
export async function finish(
  app: AppContext,
  release: {
    readonly releaseId: string;
    readonly fence: Fence | null;
    readonly outcome: Exclude<Outcome, { status: 'RUNNING' }>;
    readonly lines?: readonly LogLine[];
    /** Only if the deadline of the attempt that is now under way has come. */
    readonly onlyIfDue?: boolean;
  },
): Promise<boolean> {
  const { releaseId, fence, outcome, lines = [], onlyIfDue = false } = release;
  const finished = await app.db.transaction(async (tx) => {
    const row = await store.findRelease(tx, releaseId);
    if (row === undefined) return false;
    const deployed = row.mode === 'deploy' && outcome.status === 'SUCCEEDED';
    if (deployed) {
      await holdArtifact(tx, row.artifactId);
      await store.lockIntentsOfArtifact(tx, row.intentId, row.artifactId);
    } else await store.lockIntent(tx, row.intentId);
    const error = outcome.status === 'SUCCEEDED' ? null : storable(outcome.errorMessage, MAX_ERROR_LENGTH);
    const plan = outcome.status === 'SUCCEEDED' ? (outcome.planOutput ?? '') : '';
    const ended = await store.finish(tx, {
      id: releaseId,
      fence,
      status: outcome.status,
      errorMessage: error,
      planOutput: row.mode === 'plan' ? storable(plan, MAX_PLAN_LENGTH) : null,
      now: app.clock.now(),
      onlyIfDue,
    });
    if (!ended) return false;
    await addFittingLogs(tx, releaseId, lines);
    await record(tx, app, {
      organisationId: row.organisationId,
      projectId: row.projectId,
      releaseIntentId: row.intentId,
      kind: `${row.mode === 'plan' ? 'plan' : 'deployment'}.${KINDS[outcome.status]}`,
      actor: null,
      // Within a request it is the destination that reports, by the token of this release.
      ...(requestScope() !== null && { proof: { kind: 'report', id: null } }),
      subject: `${row.slug} on ${row.environment}/${row.destination}`,
      after: { environment: row.environment, destination: row.destination, status: outcome.status, error },
    });
    // A success is a fact of the artifact's other intents too: their soak may begin. The artifact's include this one.
    if (deployed) await wakeArtifact(tx, app, row.artifactId);
    else await wakeIntent(tx, app, row.intentId);
    signalStatus(tx, app, row.intentId);
    // The payload of a signal is only a place to look: this release's destination is free now.
    tx.afterCommit(() => app.bus.publish(subjects.releaseQueued, releaseId));
    return true;
  });
  // What is carried out under a fence is counted where that ends.
  if (finished && fence === null) app.metrics.deliveryReported(KINDS[outcome.status]);
  return finished;
}

async function addFittingLogs(tx: Transaction, releaseId: string, lines: readonly LogLine[]): Promise<void> {
  if (lines.length === 0) return;
  await store.addLogs(tx, releaseId, fitting(lines, await store.countLogs(tx, releaseId)));
}

/** What there may be to do: free destinations with a queue, leases that ran out, deadlines. One indexed read. */
export function findWork(app: AppContext): Promise<Found[]> {
  return store.sweep(app.db, app.clock.now(), SWEEP_LIMIT);
}

/**
 * Ends a release that nobody reported in time. What is remembered of its deadline may be of an attempt that never began
 * and was queued anew: the deadline that is stored decides.
 */
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
 * Log lines of releases, oldest first, at most 500. `after` has for each release the id of the line that was read last (0
 * for none): ask again with those of the answer.
 */
export function releaseLogs(executor: Executor, after: ReadonlyMap<string, number>): Promise<LogRow[]> {
  return store.readLogs(executor, after, 500);
}
