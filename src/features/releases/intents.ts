import {
  PipelineRunStageStatus,
  type ReleaseIntentState,
  ReleaseIntentStatus,
} from '#src/gen/forest/v1/releases_pb.ts';

export interface IntentChoice {
  /** Undefined if the artifact was never released. */
  readonly current: ReleaseIntentState | undefined;
  /** The other active ones, newest first. */
  readonly active: readonly ReleaseIntentState[];
  /** The other ended ones, newest first. */
  readonly earlier: readonly ReleaseIntentState[];
}

const isActive = ({ status }: ReleaseIntentState): boolean => status === ReleaseIntentStatus.ACTIVE;

const waitsForPerson = ({ stages }: ReleaseIntentState): boolean =>
  stages.some(({ status }) => status === PipelineRunStageStatus.AWAITING_APPROVAL);

/**
 * Chooses the release to show first: the requested one, else, as the list does, of the active ones the newest that waits for a person,
 * else the newest active one, else the newest.
 */
export function chooseIntent(
  intents: readonly ReleaseIntentState[],
  requestedId: string | null = null,
): IntentChoice {
  // RFC 3339 in UTC sorts as text; the id (UUID version 7) orders equal timestamps.
  const newestFirst = [...intents].sort(
    (a, b) => b.createdAt.localeCompare(a.createdAt) || b.releaseIntentId.localeCompare(a.releaseIntentId),
  );
  const current =
    newestFirst.find(({ releaseIntentId }) => releaseIntentId === requestedId) ??
    newestFirst.find((intent) => isActive(intent) && waitsForPerson(intent)) ??
    newestFirst.find(isActive) ??
    newestFirst[0];
  const others = newestFirst.filter((intent) => intent !== current);
  return {
    current,
    active: others.filter(isActive),
    earlier: others.filter((intent) => !isActive(intent)),
  };
}
