import { useMutation } from '@connectrpc/connect-query';
import { PolicyService } from '#src/gen/forest/v1/policies_pb.ts';
import { ReleaseService } from '#src/gen/forest/v1/releases_pb.ts';
import { useInvalidate } from '#src/lib/use-invalidate.ts';

const { release, cancelRelease, approvePlanStage, rejectPlanStage, planAgain, retryStage } =
  ReleaseService.method;

/** Releases an artifact, through a pipeline or directly to an environment. */
export function useRelease() {
  return useMutation(release, useRefresh());
}

/** Ends a waiting or running release. */
export function useCancelRelease() {
  return useMutation(cancelRelease, useRefresh());
}

/** Approves a plan, so that the deployments behind it continue. */
export function useApprovePlan() {
  return useMutation(approvePlanStage, useRefresh());
}

/** Fails a plan stage and the stages that depend on it. */
export function useRejectPlan() {
  return useMutation(rejectPlanStage, useRefresh());
}

/** Makes the plans of a stage again. */
export function usePlanAgain() {
  return useMutation(planAgain, useRefresh());
}

/** Makes the deliveries or plans of a stage again that did not succeed. */
export function useRetryStage() {
  return useMutation(retryStage, useRefresh());
}

/** Loads the shown releases again. The mutation stays pending until then, so that its effect is visible. */
function useRefresh() {
  const invalidate = useInvalidate();
  return { onSettled: () => invalidate(ReleaseService, PolicyService) };
}
