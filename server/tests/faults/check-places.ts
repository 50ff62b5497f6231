import type { Ledger } from './ledger.ts';
import type { FaultReceiver } from './receiver.ts';
import { type DatabaseRecord, deliveryKey, type PlaceFact } from './record.ts';
import { placeKey, type Replayed } from './replay.ts';

/** A clock of a server and the time of its history entry differ by less, in milliseconds. */
const TOLERANCE_MS = 1_000;

/** Checks what the database says of what is live against the replayed deliveries, and against what the receiver really runs. */
export function checkPlaces(
  record: DatabaseRecord,
  replayed: Replayed,
  receiver: FaultReceiver,
  ledger: Ledger,
): string[] {
  return record.places.flatMap((place) => [
    ...checkReplayed(record, replayed, place),
    ...checkReceiver(record, receiver, ledger, place),
  ]);
}

const named = (record: DatabaseRecord, { projectId, destinationId }: PlaceFact): string => {
  const destination = record.destinations.find(({ id }) => id === destinationId)?.name;
  return `${destination} of project ${projectId}`;
};

function checkReplayed(record: DatabaseRecord, replayed: Replayed, place: PlaceFact): string[] {
  const about = named(record, place);
  const expected = replayed.places.get(placeKey(place.projectId, place.destinationId));
  const live = expected?.live?.build?.artifactId ?? null;
  if (live !== place.artifactId)
    return [`${about} runs ${place.artifactId}, but ${live} after its deliveries`];
  const uncertain = expected?.isUncertain() ?? false;
  if (uncertain !== place.uncertain)
    return [`${about} is ${place.uncertain ? 'uncertain' : 'certain'}, unlike after its deliveries`];
  const stored = record.stays.filter(
    (stay) => stay.projectId === place.projectId && stay.destinationId === place.destinationId,
  );
  const isNear = (a: Date | null, b: number | null): boolean =>
    a === null || b === null ? a === b : Math.abs(a.getTime() - b) < TOLERANCE_MS;
  const stays = expected?.stays ?? [];
  const differs =
    stored.length !== stays.length ||
    stays.some((stay, index) => {
      const other = stored[index];
      return !(
        other?.order === stay.order &&
        isNear(other.began, stay.began) &&
        isNear(other.ended, stay.ended) &&
        isNear(other.outdated, stay.outdated)
      );
    });
  return differs ? [`the times in which builds were live on ${about} differ from its deliveries`] : [];
}

/**
 * Checks that a place runs what its receiver finished last. It may be uncertain; and where nobody told the server of that delivery, it
 * may be wrong once a later one has succeeded or an admin has said what runs there.
 */
function checkReceiver(
  record: DatabaseRecord,
  receiver: FaultReceiver,
  ledger: Ledger,
  place: PlaceFact,
): string[] {
  const projectOf = new Map(record.intents.map(({ id, projectId }) => [id, projectId]));
  const destination = record.destinations.find(({ id }) => id === place.destinationId)?.name;
  const last = receiver.applied.findLast(
    (one) => one.destination === destination && projectOf.get(one.intentId) === place.projectId,
  );
  if (last === undefined || place.uncertain) return [];
  const about = `${named(record, place)} certainly runs ${place.artifactId}`;
  // An admin says what they knew when they asked.
  const isSettled = ledger.operations.some(
    ({ kind, outcome, at, about: of }) =>
      kind === 'destination.settled' &&
      outcome !== 'refused' &&
      at < last.at &&
      of['destination'] === destination &&
      of['project'] === last.project &&
      of['artifact'] === place.artifactId,
  );
  if (place.releaseId === null && isSettled) return [];
  const run = record.runs.find(({ releaseId, run: number }) => deliveryKey(releaseId, number) === last.key);
  const isLater = record.runs.some(
    ({ releaseId, startedMoment }) =>
      releaseId === place.releaseId && startedMoment > (run?.startedMoment ?? 0),
  );
  if (last.effect === 'unknown') {
    // "Late failure: the earlier live build stays."
    const isKnown = isLater || place.releaseId === null || run?.lateStatus === 'FAILED';
    return isKnown ? [] : [`${about}, but delivery ${last.key} failed there later`];
  }
  if (last.artifactId === place.artifactId) return [];
  const isTold = run?.status === 'SUCCEEDED' || run?.lateStatus === 'SUCCEEDED';
  if (!isTold && (isLater || place.releaseId === null)) return [];
  return [`${about}, but the receiver runs ${last.artifactId} since delivery ${last.key}`];
}
