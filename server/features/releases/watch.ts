import type { IntentStatus } from '#domain/release/stage.ts';
import type { AppContext } from '#server/context.ts';
import { type Caller, requireReleaseAccess } from '#server/features/access/service.ts';
import { type LogRow, listLogs } from '#server/features/deliveries/service.ts';
import type { StageJson } from '#server/features/gate/rows.ts';
import { subjects } from '#server/signals/bus.ts';
import type { ProjectScope } from '#server/wire/scopes.ts';
import type { IntentStateRow, StepJson } from './rows.ts';
import { findIntentState } from './store.ts';

export type WatchEvent =
  | { readonly type: 'stage'; readonly stage: StageJson }
  | { readonly type: 'step'; readonly step: StepJson; readonly intentStatus: IntentStatus }
  | { readonly type: 'log'; readonly row: LogRow; readonly destination: string }
  | { readonly type: 'ended'; readonly intent: IntentStateRow };

/** What a watcher has received, so that it receives each change once. */
interface Sent {
  readonly stages: Map<string, string>;
  readonly steps: Map<string, string>;
  /** The id of the last log line of each release. */
  readonly lines: Map<string, number>;
}

/**
 * Follows a release until it ends: first its present state, then each change. Subscribes before it reads, so that no change
 * is missed; a signal only means that there is something to read.
 * @throws Failure not_found when the caller leaves the organisation, unauthenticated when their credential is revoked or
 * expires; the reason of `signal` when it aborts.
 */
export async function* watchRelease(
  app: AppContext,
  caller: Caller,
  { organisationId }: Pick<ProjectScope, 'organisationId'>,
  releaseIntentId: string,
  signal: AbortSignal,
): AsyncGenerator<WatchEvent> {
  const read = <T>(work: () => Promise<T>) => app.streamReads.run(organisationId, work);
  const changes = subscribe(app, caller, releaseIntentId, signal);
  const sent: Sent = { stages: new Map(), steps: new Map(), lines: new Map() };
  try {
    while (!signal.aborted) {
      changes.reset();
      // A release can take weeks, in which the caller may have lost access.
      await read(() => requireReleaseAccess(app, caller, releaseIntentId));
      const intent = await app.streamReads.shared(organisationId, releaseIntentId, async () => {
        const [found] = await app.db.run(findIntentState, [releaseIntentId]);
        return found;
      });
      if (intent === undefined) return;
      yield* stateChanges(intent, sent);
      yield* newLogLines(intent, sent, (after) => read(() => listLogs(app.db, after)));
      if (intent.status !== 'ACTIVE') {
        yield { type: 'ended', intent };
        return;
      }
      await changes.next();
    }
    // Without an error the client would take the end of the stream for the end of the release.
    throw signal.reason;
  } finally {
    changes.close();
  }
}

/** How long a watcher connected to NATS waits without reading again, in milliseconds. */
const MAX_QUIET_MS = 60_000;

/**
 * Waits for signals about the intent or the caller's access. While other servers' signals may not arrive, it also ends each
 * wait after the sweep's interval; connected to NATS after a minute, because a server can crash between commit and signal.
 */
function subscribe(app: AppContext, { userId }: Caller, intentId: string, signal: AbortSignal) {
  let { promise, resolve } = Promise.withResolvers<void>();
  let quietSince = performance.now();
  const wake = () => resolve();
  const ends = [
    app.bus.subscribe(subjects.releaseStatus(intentId), wake),
    app.bus.subscribe(subjects.access(userId), wake),
    app.bus.onMissed(wake),
  ];
  signal.addEventListener('abort', wake);
  const timer = setInterval(() => {
    if (app.bus.state() !== 'connected' || performance.now() - quietSince >= MAX_QUIET_MS) wake();
  }, app.config.sweepSeconds * 1000);
  return {
    reset() {
      ({ promise, resolve } = Promise.withResolvers<void>());
      quietSince = performance.now();
    },
    async next() {
      if (!signal.aborted) await promise;
    },
    close() {
      for (const end of ends) end();
      clearInterval(timer);
      signal.removeEventListener('abort', wake);
    },
  };
}

function* stateChanges(intent: IntentStateRow, sent: Sent): Generator<WatchEvent> {
  for (const stage of intent.stages) {
    const { status, reason, planApproval, errorMessage, waitUntil } = stage;
    const state = JSON.stringify([status, reason, planApproval, errorMessage, waitUntil]);
    if (sent.stages.get(stage.id) === state) continue;
    sent.stages.set(stage.id, state);
    yield { type: 'stage', stage };
  }
  for (const step of intent.steps) {
    if (sent.steps.get(step.id) === step.status) continue;
    sent.steps.set(step.id, step.status);
    yield { type: 'step', step, intentStatus: intent.status };
  }
}

/** Reads in portions: a log can be longer than one answer of the database should be. */
async function* newLogLines(
  intent: IntentStateRow,
  sent: Sent,
  read: (after: ReadonlyMap<string, number>) => Promise<LogRow[]>,
): AsyncGenerator<WatchEvent> {
  const names = new Map(intent.steps.map((step) => [step.id, step.destinationName]));
  if (names.size === 0) return;
  for (const id of names.keys()) if (!sent.lines.has(id)) sent.lines.set(id, 0);
  for (;;) {
    const rows = await read(sent.lines);
    for (const row of rows) {
      sent.lines.set(row.releaseId, row.id);
      yield { type: 'log', row, destination: names.get(row.releaseId) ?? '' };
    }
    if (rows.length === 0) return;
  }
}
