import { type Ledger, sayOperation } from './ledger.ts';
import type { FaultReceiver } from './receiver.ts';
import type { DatabaseRecord } from './record.ts';
import type { LogLine } from './server-slots.ts';

/** Each destination had one accepted delivery per stage, and what is stored is what was said of it. */
export function checkDeliveries(record: DatabaseRecord, receiver: FaultReceiver): string[] {
  const violations = [...receiver.violations];
  const releaseOf = new Map(record.releases.map((release) => [release.id, release]));
  const begun = new Set(
    record.watched.filter(({ to }) => to === 'ASSIGNED').map(({ releaseId }) => releaseId),
  );
  const places = new Map<string, string>();
  for (const { id, intentId, stageId, destinationId } of record.releases) {
    const place = `${intentId} ${stageId} ${destinationId}`;
    const other = places.get(place);
    if (other !== undefined)
      violations.push(`releases ${other} and ${id} are for the same stage and destination`);
    places.set(place, id);
  }
  for (const taken of receiver.taken.values()) {
    const { releaseId, reported } = taken;
    const release = releaseOf.get(releaseId);
    if (release === undefined) violations.push(`${releaseId} was delivered and is not in the database`);
    else if (!begun.has(releaseId)) violations.push(`${releaseId} was delivered and never started`);
    else if (reported !== null && release.status !== reported) {
      violations.push(
        `release ${releaseId} is ${release.status}; its report of ${reported} was acknowledged`,
      );
    }
  }
  for (const { id, type, status, errorMessage, destination } of record.releases) {
    const taken = receiver.taken.get(id);
    if (type === 'webhook' && status === 'SUCCEEDED' && !taken?.said.has('SUCCEEDED')) {
      violations.push(`release ${id} on ${destination} is SUCCEEDED, and the receiver never said so`);
    }
    const blamed = taken?.said.has('FAILED') || /answered 422|could not be reached/.test(errorMessage ?? '');
    if (status === 'FAILED' && !blamed) {
      violations.push(`release ${id} on ${destination} FAILED, and not by its receiver: ${errorMessage}`);
    }
  }
  return violations;
}

/** Words under which a database that is away, too slow or held by a paused server may be logged. */
const AWAY_CODE = /^(08|53|57|58|25P0[34]|55P03)|^(ECONNREFUSED|ECONNRESET|EPIPE|ETIMEDOUT)$/;
const AWAY_WORDS =
  /^(the database is away|the server is busy|the database took too long|somebody else is changing|the connection to the database broke)/;

/** Errors of the logs that no fault excuses, and ends that nobody made. */
export function checkLogs(errors: readonly LogLine[], crashes: readonly string[]): string[] {
  const strange = errors.filter(
    ({ message, code, detail }) =>
      message === 'a request failed unexpectedly' || !(AWAY_CODE.test(code ?? '') || AWAY_WORDS.test(detail)),
  );
  const said = Map.groupBy(strange, ({ message, code, detail }) => `${message} (${code ?? ''} ${detail})`);
  return [
    ...crashes,
    ...[...said].map(([words, lines]) => {
      const at = new Date(lines[0]?.at ?? 0).toISOString().slice(11, 23);
      return `${lines.length} times in the log, first of server ${lines[0]?.server} at ${at}: ${words}`;
    }),
  ];
}

/** Answers that no fault excuses. */
export const checkAnswers = (ledger: Ledger): string[] => ledger.strange.map(sayOperation);
