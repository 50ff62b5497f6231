import { ReleaseMode, type ReleaseStepState, ReleaseStatus as Step } from '#src/gen/forest/v1/releases_pb.ts';
import type { StatusLabel } from '#src/lib/release-status.ts';

/** The state of one delivery or plan. */
export function stepLabel({ statusCode, mode, cancelling }: ReleaseStepState): StatusLabel {
  if (cancelling) return { label: 'Cancelling', tone: 'time' };
  const plans = mode === ReleaseMode.PLAN;
  switch (statusCode) {
    case Step.QUEUED:
      return { label: 'Queued', tone: 'time' };
    case Step.ASSIGNED:
    case Step.RUNNING:
      return { label: plans ? 'Planning' : 'Deploying', tone: 'running' };
    case Step.SUCCEEDED:
      return { label: plans ? 'Planned' : 'Deployed', tone: 'passed' };
    case Step.FAILED:
      return { label: 'Failed', tone: 'failed' };
    case Step.TIMED_OUT:
      return { label: 'Timed out', tone: 'failed' };
    default:
      return { label: 'Cancelled', tone: 'neutral' };
  }
}
