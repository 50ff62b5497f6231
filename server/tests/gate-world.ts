import { type Code, ConnectError } from '@connectrpc/connect';
import { PolicyType } from '#server/gen/forest/v1/policies_pb.ts';
import { PipelineRunStageStatus } from '#server/gen/forest/v1/releases_pb.ts';
import { eventually } from './harness.ts';
import { stateOf, type World } from './world.ts';

/** The code that a call is refused with; null when it succeeds. */
export const codeOf = (call: Promise<unknown>): Promise<Code | null> =>
  call.then(
    () => null,
    (error: unknown) => ConnectError.from(error).code,
  );

/** The request of a vote on a release. */
export const voteOn = (w: World, releaseIntentId: string, targetEnvironment = 'production') => ({
  project: w.project,
  releaseIntentId,
  targetEnvironment,
});

/** Waits until a stage for the environment has the status; gives the stage. */
export const stageWaits = (
  w: World,
  intentId: string,
  status: PipelineRunStageStatus = PipelineRunStageStatus.AWAITING_APPROVAL,
  environment = 'production',
) =>
  eventually(async () => {
    const { stages } = await stateOf(w, intentId);
    return stages.find((one) => one.environment === environment && one.status === status);
  }, `a stage for ${environment} to have status ${status}`);

/** Releases an artifact (or a new one) to production, and waits until it awaits approval; gives the intent's id. */
export async function gatedRelease(w: World, artifactId?: string, by = w.author): Promise<string> {
  const intentId = await w.release(artifactId ?? (await w.artifact()).artifactId, ['production'], by);
  await stageWaits(w, intentId);
  return intentId;
}

/** A policy that soaks before production, by default in staging. */
export const soakPolicy = (w: World, seconds: number, name = 'soak', sourceEnvironment = 'staging') =>
  w.admin.policies.createPolicy({
    project: w.project,
    name,
    policyType: PolicyType.SOAK_TIME,
    config: {
      case: 'soakTime',
      value: { sourceEnvironment, targetEnvironment: 'production', durationSeconds: BigInt(seconds) },
    },
  });

/** The config of a branch policy for production. */
export const branchConfig = (branchPattern: string) => ({
  config: {
    case: 'branchRestriction' as const,
    value: { targetEnvironment: 'production', branchPattern },
  },
});
export const branchPolicy = (w: World, name: string, branchPattern: string) =>
  w.admin.policies.createPolicy({
    project: w.project,
    name,
    policyType: PolicyType.BRANCH_RESTRICTION,
    ...branchConfig(branchPattern),
  });

/** Changes the number of approvals that a policy for production requires. */
export const requireApprovals = (w: World, name: string, requiredApprovals: number, by = w.admin.policies) =>
  by.updatePolicy({
    project: w.project,
    name,
    config: { case: 'approval', value: { targetEnvironment: 'production', requiredApprovals } },
  });

export const deployStage = (id: string, environment: string, ...dependsOn: string[]) =>
  ({ id, dependsOn, config: { case: 'deploy', value: { environment } } }) as const;
export const planStage = (id: string, environment: string, ...dependsOn: string[]) =>
  ({ id, dependsOn, config: { case: 'plan', value: { environment } } }) as const;
export const waitStage = (id: string, durationSeconds: bigint, ...dependsOn: string[]) =>
  ({ id, dependsOn, config: { case: 'wait', value: { durationSeconds } } }) as const;

/** Waits until the delivery to the intent's first destination has the status; gives the delivery. */
export const stepBecomes = (w: World, intentId: string, status: string) =>
  eventually(async () => {
    const [step] = (await stateOf(w, intentId)).steps;
    return step?.status === status && step;
  }, `the delivery to be ${status}`);
