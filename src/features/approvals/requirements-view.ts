import {
  type EnvironmentRequirements,
  type GetReleaseRequirementsResponse,
  type PolicyEvaluation,
  PolicyType,
} from '#src/gen/forest/v1/policies_pb.ts';
import { ReleaseIntentStatus, PipelineRunStageStatus as Stage } from '#src/gen/forest/v1/releases_pb.ts';
import { decisionLabel, listOf } from './ballot-labels.ts';

/** The badge of a policy's type; `Policy` for a type that this version does not know. */
export function typeLabel(type: PolicyType): string {
  switch (type) {
    case PolicyType.EXTERNAL_APPROVAL:
      return 'Approval';
    case PolicyType.SOAK_TIME:
      return 'Soak Time';
    case PolicyType.BRANCH_RESTRICTION:
      return 'Branch';
    case PolicyType.HOLD:
      return 'On hold';
    default:
      return 'Policy';
  }
}

/**
 * Whether the verdicts of an environment decide something, or are those of the moment its gate opened. What the policies say today
 * of a deployment that has started or was cancelled would look like a gate that let something through.
 */
export function hasVerdicts(
  requirements: GetReleaseRequirementsResponse,
  environment: EnvironmentRequirements,
): boolean {
  const undecided = isOpen(environment) || environment.stageStatus === Stage.ACTIVE;
  return (
    environment.openedAt !== undefined ||
    (undecided && requirements.intentStatus === ReleaseIntentStatus.ACTIVE)
  );
}

/** How many of the shown verdicts passed, over all environments. */
export function tally(requirements: GetReleaseRequirementsResponse): { passed: number; total: number } {
  const all = requirements.environments
    .filter((environment) => hasVerdicts(requirements, environment))
    .flatMap((environment) => environment.evaluations);
  return { passed: all.filter((evaluation) => evaluation.passed).length, total: all.length };
}

/** The approval policies of an environment. One vote counts for all of them. */
export function approvalsOf(environment: EnvironmentRequirements): readonly PolicyEvaluation[] {
  return environment.evaluations.filter((one) => one.policyType === PolicyType.EXTERNAL_APPROVAL);
}

/** `1 of 2`, of an approval policy. */
export function countOf({ approvalState: state }: PolicyEvaluation): string {
  return `${state?.currentApprovals ?? 0} of ${state?.requiredApprovals ?? '?'}`;
}

/** Whether the stage has not started, so that a vote can matter. */
export function isOpen(environment: EnvironmentRequirements): boolean {
  return environment.stageStatus === Stage.PENDING || environment.stageStatus === Stage.AWAITING_APPROVAL;
}

/** Whether a vote still counts: also on a deployment that is queued, which it can hold back. */
export function isVotable(
  { intentStatus }: GetReleaseRequirementsResponse,
  environment: EnvironmentRequirements,
): boolean {
  const { stageStatus, canApprove, canReject, canBypass, canWithdraw } = environment;
  if (intentStatus !== ReleaseIntentStatus.ACTIVE) return false;
  if (stageStatus !== Stage.ACTIVE) return isOpen(environment);
  return [canApprove, canReject, canBypass, canWithdraw].some((permission) => permission?.allowed);
}

/** The environment that the caller can decide on: first one whose gate waits for them, then one where they can change a vote. */
export function decidableOf(
  requirements: GetReleaseRequirementsResponse,
): EnvironmentRequirements | undefined {
  const allowed = requirements.environments.filter(
    (one) =>
      approvalsOf(one).length > 0 &&
      isVotable(requirements, one) &&
      [one.canApprove, one.canReject, one.canBypass].some((permission) => permission?.allowed),
  );
  const waits = ({ canApprove, myDecision, stageStatus }: EnvironmentRequirements) =>
    canApprove?.allowed && !myDecision && stageStatus === Stage.AWAITING_APPROVAL;
  return allowed.find(waits) ?? allowed[0];
}

/** What is missing, in a few words: `1 of 2 approvals · production`. */
export function barLabel(environment: EnvironmentRequirements): string {
  const { environment: name, myDecision: mine } = environment;
  const approvals = approvalsOf(environment);
  const open = approvals.find(({ passed }) => !passed) ?? approvals[0];
  const count =
    open && `${countOf(open)} ${open.approvalState?.requiredApprovals === 1 ? 'approval' : 'approvals'}`;
  const own = mine && (mine.counted || mine.decision === 'rejected') && `You ${decisionLabel(mine).label}`;
  return [own, count, name].filter(Boolean).join(' · ');
}

/**
 * Why each stage waits that has not started, by stage id. A stage's own reason is from its last evaluation, so that a time
 * left in it is out of date.
 */
export function reasonsByStage(requirements: GetReleaseRequirementsResponse): Record<string, string> {
  const entries = requirements.environments.filter(isOpen).flatMap((environment) => {
    const reasons = environment.evaluations.flatMap(({ passed, reason }) =>
      !passed && reason ? [reason] : [],
    );
    return environment.stageId && reasons.length > 0 ? [[environment.stageId, reasons.join('; ')]] : [];
  });
  return Object.fromEntries(entries);
}

/** The authors of a release, to follow `anyone except`: `ci (service account) or alice`. */
export function authorLabel({
  authors,
  authorUsername,
}: Pick<GetReleaseRequirementsResponse, 'authors' | 'authorUsername'>): string {
  return authors.length < 2
    ? authorUsername
    : listOf(
        authors.map(({ username }) => username),
        'or',
      );
}
