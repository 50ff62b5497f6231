import { type DestinationState, ReleaseStatus } from '#src/gen/forest/v1/releases_pb.ts';

export interface DestinationWords {
  readonly words: string;
  readonly tone: 'passed' | 'waiting' | 'failed' | 'neutral';
}

/**
 * What a destination says about one artifact. A destination whose latest release is of another artifact, or that never had
 * one, is not deployed to.
 */
export function destinationWords(state: DestinationState, artifactId: string): DestinationWords {
  if (!state.releaseId || (state.artifactId && state.artifactId !== artifactId)) {
    return { words: 'Not deployed', tone: 'neutral' };
  }
  switch (state.statusCode) {
    case ReleaseStatus.QUEUED:
      return {
        words: state.queuePosition === undefined ? 'Queued' : `Queued #${state.queuePosition}`,
        tone: 'waiting',
      };
    case ReleaseStatus.ASSIGNED:
    case ReleaseStatus.RUNNING:
      return { words: 'Deploying', tone: 'waiting' };
    case ReleaseStatus.SUCCEEDED:
      return { words: 'Deployed', tone: 'passed' };
    case ReleaseStatus.FAILED:
      return { words: 'Failed', tone: 'failed' };
    case ReleaseStatus.TIMED_OUT:
      return { words: 'Timed out', tone: 'failed' };
    case ReleaseStatus.CANCELLED:
      return { words: 'Cancelled', tone: 'neutral' };
    default:
      return { words: 'Not deployed', tone: 'neutral' };
  }
}

/** When the state shown was reached: its end, else its start, else when it was queued; undefined for no release. */
export function destinationTime(state: DestinationState): string | undefined {
  return state.completedAt ?? state.startedAt ?? state.assignedAt ?? state.queuedAt;
}
