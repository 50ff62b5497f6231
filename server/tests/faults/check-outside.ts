import { describeOperation, type Ledger } from './ledger.ts';
import type { FaultReceiver } from './receiver.ts';
import { type DatabaseRecord, deliveryKey } from './record.ts';
import type { LogLine } from './server-slots.ts';

/** Checks that each destination got one accepted delivery per stage and run, and that the stored status is the reported one. */
export function checkDeliveries(record: DatabaseRecord, receiver: FaultReceiver): string[] {
  const violations = [...receiver.violations];
  const started = new Set(
    record.watched
      .filter(({ to }) => to === 'ASSIGNED')
      .map(({ releaseId, run }) => deliveryKey(releaseId, run)),
  );
  const releaseByKey = new Map<string, string>();
  for (const { id, intentId, stageId, destinationId } of record.releases) {
    const key = `${intentId} ${stageId} ${destinationId}`;
    const other = releaseByKey.get(key);
    if (other !== undefined)
      violations.push(`releases ${other} and ${id} are for the same stage and destination`);
    releaseByKey.set(key, id);
  }
  const releaseOf = new Map(record.releases.map((release) => [release.id, release]));
  const runOf = new Map(record.runs.map((run) => [deliveryKey(run.releaseId, run.run), run]));
  for (const { key, releaseId, reported } of receiver.received.values()) {
    const run = runOf.get(key);
    const status = run?.lateStatus ?? run?.status;
    if (!releaseOf.has(releaseId)) violations.push(`${key} was delivered but is not in the database`);
    else if (!started.has(key)) violations.push(`${key} was delivered but never started`);
    else if (reported !== null && status !== reported)
      violations.push(`delivery ${key} is ${status}, but its report of ${reported} was acknowledged`);
  }
  for (const { releaseId, run, status, reported } of record.runs) {
    const key = deliveryKey(releaseId, run);
    const outcomes = receiver.received.get(key)?.outcomes;
    if (releaseOf.get(releaseId)?.type !== 'webhook') continue;
    if (reported && !outcomes?.has(status === 'SUCCEEDED' ? status : 'FAILED'))
      violations.push(`delivery ${key} is ${status}, but its receiver never reported it`);
  }
  for (const { id, run, type, status, errorMessage, destination } of record.releases) {
    const outcomes = receiver.received.get(deliveryKey(id, run))?.outcomes;
    if (type === 'webhook' && status === 'SUCCEEDED' && !outcomes?.has('SUCCEEDED'))
      violations.push(`release ${id} on ${destination} is SUCCEEDED, but the receiver never reported it`);
    const explained = outcomes?.has('FAILED') || /answered 422|could not be reached/.test(errorMessage ?? '');
    if (status === 'FAILED' && !explained) {
      violations.push(
        `release ${id} on ${destination} FAILED, but not because of its receiver: ${errorMessage}`,
      );
    }
  }
  return violations;
}

/** Errors of a database that is unavailable, too slow, or locked by a paused server. */
const UNAVAILABLE_CODE = /^(08|53|57|58|25P0[34]|55P03)|^(ECONNREFUSED|ECONNRESET|EPIPE|ETIMEDOUT)$/;
const UNAVAILABLE_MESSAGE =
  /^(The database is unavailable|The server is busy|The database took too long|Another change of the same data|The connection to the database broke)/;

/** Returns crashes, and logged errors that no fault explains. */
export function checkLogs(errors: readonly LogLine[], crashes: readonly string[]): string[] {
  const unexpected = errors.filter(
    ({ message, code, detail }) =>
      message === 'A request failed unexpectedly' ||
      !(UNAVAILABLE_CODE.test(code ?? '') || UNAVAILABLE_MESSAGE.test(detail)),
  );
  const grouped = Map.groupBy(
    unexpected,
    ({ message, code, detail }) => `${message} (${code ?? ''} ${detail})`,
  );
  return [
    ...crashes,
    ...[...grouped].map(([message, lines]) => {
      const at = new Date(lines[0]?.at ?? 0).toISOString().slice(11, 23);
      return `${lines.length} times in the log, first by server ${lines[0]?.server} at ${at}: ${message}`;
    }),
  ];
}

/** Returns answers that no fault explains. */
export const checkAnswers = (ledger: Ledger): string[] => ledger.unexpected.map(describeOperation);
