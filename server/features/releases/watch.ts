import { create, type MessageInitShape } from '@bufbuild/protobuf';
import type { AppContext } from '#server/context.ts';
import { type Caller, requireStillLetIn } from '#server/features/access/service.ts';
import { releaseLogs } from '#server/features/deliveries/service.ts';
import { LogChannel, WaitReleaseEventSchema } from '#server/gen/forest/v1/releases_pb.ts';
import { instant } from '#server/rpc/time.ts';
import { subjects } from '#server/signals/bus.ts';
import { approvalStatusOf, jsonInstant } from './convert.ts';
import type { IntentStateRow } from './rows.ts';
import { intentStatusToWire, releaseStatusToWire } from './status.ts';
import { intentState } from './store.ts';

type Event = MessageInitShape<typeof WaitReleaseEventSchema>['event'];

/** What a watcher was told last, so that it is told each thing once. */
interface Told {
  readonly stages: Map<string, string>;
  readonly steps: Map<string, string>;
  /** The last line of each release. */
  readonly lines: Map<string, number>;
}

/**
 * Follows a release until it ends or the watcher leaves: first everything as it is, then each change. Subscribes before
 * it reads, so that nothing falls between; the signal says only that there is something to read. The last event is a
 * `status_update` of the whole intent.
 * @throws Failure not_found once the caller has left the organisation, unauthenticated once their credentials have ended.
 */
export async function* watchRelease(
  app: AppContext,
  caller: Caller,
  releaseIntentId: string,
  signal: AbortSignal,
) {
  const nudge = createNudge(app, caller, releaseIntentId, signal);
  const told: Told = { stages: new Map(), steps: new Map(), lines: new Map() };
  try {
    while (!signal.aborted) {
      nudge.reset();
      // A wait may last for weeks: who was let in at its beginning may have left, or their token may have been revoked, since.
      await requireStillLetIn(app, caller, releaseIntentId);
      const [state] = await app.db.run(intentState, [releaseIntentId]);
      if (state === undefined) return;
      for (const event of news(state, told)) yield create(WaitReleaseEventSchema, { event });
      for await (const event of logLines(app, state, told)) yield create(WaitReleaseEventSchema, { event });
      if (state.status !== 'ACTIVE') {
        yield create(WaitReleaseEventSchema, { event: ending(state) });
        return;
      }
      await nudge.wait();
    }
    // The release goes on without this watcher: a stream that just ended would look as if it had ended too.
    throw signal.reason;
  } finally {
    nudge.close();
  }
}

/** How long a watcher of a server that hears all others goes without a look, in milliseconds. */
const LONGEST_CALM_MS = 60_000;

/**
 * Waits for the intent's status signal; one that came since the last reset ends the wait at once. Where signals of other
 * servers may not arrive it ends with each sweep's period. Connected to NATS it ends rarely, as a server can die after
 * its commit and before its signal.
 */
function createNudge(app: AppContext, { userId }: Caller, intentId: string, signal: AbortSignal) {
  let { promise, resolve } = Promise.withResolvers<void>();
  let calmSince = performance.now();
  const nudge = () => resolve();
  const ends = [
    app.bus.subscribe(subjects.releaseStatus(intentId), nudge),
    app.bus.subscribe(subjects.access(userId), nudge),
    app.bus.onMissed(nudge),
  ];
  signal.addEventListener('abort', nudge);
  const lookAgain = setInterval(() => {
    const calm = performance.now() - calmSince >= LONGEST_CALM_MS;
    if (app.bus.state() !== 'connected' || calm) nudge();
  }, app.config.sweepSeconds * 1000);
  return {
    reset() {
      ({ promise, resolve } = Promise.withResolvers<void>());
      calmSince = performance.now();
    },
    async wait() {
      if (!signal.aborted) await promise;
    },
    close() {
      for (const end of ends) end();
      clearInterval(lookAgain);
      signal.removeEventListener('abort', nudge);
    },
  };
}

function news(state: IntentStateRow, told: Told): Event[] {
  const events: Event[] = [];
  for (const stage of state.stages) {
    const digest = JSON.stringify([
      stage.status,
      stage.reason,
      stage.planApproval,
      stage.errorMessage,
      stage.waitUntil,
    ]);
    if (told.stages.get(stage.id) === digest) continue;
    told.stages.set(stage.id, digest);
    const value = {
      stageId: stage.id,
      stageType: stage.type,
      status: stage.status,
      queuedAt: jsonInstant(stage.queuedAt),
      startedAt: jsonInstant(stage.startedAt),
      completedAt: jsonInstant(stage.completedAt),
      waitUntil: jsonInstant(stage.waitUntil),
      errorMessage: stage.errorMessage ?? undefined,
      approvalStatus: approvalStatusOf(stage),
    };
    events.push({ case: 'stageUpdate', value });
  }
  for (const step of state.steps) {
    if (told.steps.get(step.id) === step.status) continue;
    told.steps.set(step.id, step.status);
    const value = {
      destination: step.destinationName,
      status: step.status,
      statusCode: releaseStatusToWire[step.status],
      intentStatus: intentStatusToWire[state.status],
      errorMessage: step.errorMessage ?? undefined,
    };
    events.push({ case: 'statusUpdate', value });
  }
  return events;
}

/** The lines that are new since the last look, a portion at a time. */
async function* logLines(app: AppContext, state: IntentStateRow, told: Told): AsyncGenerator<Event> {
  const names = new Map(state.steps.map((step) => [step.id, step.destinationName]));
  if (names.size === 0) return;
  for (const id of names.keys()) if (!told.lines.has(id)) told.lines.set(id, 0);
  for (;;) {
    const lines = await releaseLogs(app.db, told.lines);
    for (const { id, releaseId, at, channel, line } of lines) {
      told.lines.set(releaseId, id);
      const value = {
        destination: names.get(releaseId) ?? '',
        line,
        timestamp: instant(at),
        channel: channel === 'stderr' ? LogChannel.STDERR : LogChannel.STDOUT,
      };
      yield { case: 'logLine', value };
    }
    if (lines.length === 0) return;
  }
}

/** The whole intent's end: an empty destination speaks of all of it. */
const ending = (state: IntentStateRow): Event => ({
  case: 'statusUpdate',
  value: {
    destination: '',
    status: state.status,
    intentStatus: intentStatusToWire[state.status],
    errorMessage: state.errorMessage ?? undefined,
  },
});
