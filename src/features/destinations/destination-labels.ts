import { BuildState, type DestinationState } from '#src/gen/forest/v1/releases_pb.ts';
import { buildLabel, type StatusLabel } from '#src/lib/release-status.ts';

/**
 * The state of an artifact on a destination, and the end of its last delivery there where the state does not say it: a place is
 * uncertain until a later delivery succeeds.
 */
export function destinationLabels(state: DestinationState, artifactId: string): StatusLabel[] {
  const { buildState, lastAttempt, queuePosition } = state;
  const isCancelling = state.inFlight.some((one) => one.artifactId === artifactId && one.cancelling);
  const own: StatusLabel = isCancelling
    ? { label: 'Cancelling', tone: 'time' }
    : buildState === BuildState.QUEUED && queuePosition !== undefined
      ? { label: `Queued #${queuePosition}`, tone: 'time' }
      : buildLabel(buildState);
  const isShown = lastAttempt === buildState || UNDER_WAY.includes(buildState);
  return UNSUCCESSFUL.includes(lastAttempt) && !isShown ? [own, buildLabel(lastAttempt)] : [own];
}

const UNSUCCESSFUL: readonly BuildState[] = [BuildState.FAILED, BuildState.TIMED_OUT, BuildState.CANCELLED];
const UNDER_WAY: readonly BuildState[] = [BuildState.DEPLOYING, BuildState.QUEUED];

/** When the destination reached its state, RFC 3339; undefined if it has no release. */
export function destinationTime(state: DestinationState): string | undefined {
  return state.completedAt ?? state.startedAt ?? state.assignedAt ?? state.queuedAt;
}

/** So few rows of other environments are not folded. */
const FEW_ROWS = 3;

export interface DestinationGroups {
  /** Those of the release first. */
  readonly shown: readonly DestinationState[];
  /** Those of environments that neither the release nor the build has to do with. */
  readonly others: readonly DestinationState[];
  /** How many environments `others` has. */
  readonly environments: number;
}

/** The destinations of a release's environments first, then those that the build was deployed to; many others are folded. */
export function groupDestinations(
  states: readonly DestinationState[],
  targets: readonly string[],
): DestinationGroups {
  const isTarget = ({ environment }: DestinationState) => targets.includes(environment);
  const deployed = new Set(
    states
      .filter(
        ({ buildState }) => buildState !== BuildState.NOT_DEPLOYED && buildState !== BuildState.UNSPECIFIED,
      )
      .map(({ environment }) => environment),
  );
  const own = states.filter(isTarget);
  const rest = states.filter((state) => !isTarget(state));
  const others = rest.filter(({ environment }) => !deployed.has(environment));
  if (own.length === 0 || others.length <= FEW_ROWS)
    return { shown: [...own, ...rest], others: [], environments: 0 };
  return {
    shown: [...own, ...rest.filter(({ environment }) => deployed.has(environment))],
    others,
    environments: new Set(others.map(({ environment }) => environment)).size,
  };
}
