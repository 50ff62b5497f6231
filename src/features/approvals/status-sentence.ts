import type { BadgeTone } from '#src/components/badge.tsx';
import {
  type EnvironmentRequirements,
  type GetReleaseRequirementsResponse,
  type PolicyEvaluation,
  PolicyType,
} from '#src/gen/forest/v1/policies_pb.ts';
import {
  type DestinationState,
  type PipelineStageState,
  type ReleaseIntentState,
  ReleaseStatus,
  PipelineRunStageStatus as Stage,
  PipelineRunStageType as StageType,
} from '#src/gen/forest/v1/releases_pb.ts';
import { fullStop, quoted, votersLabel } from './ballot-labels.ts';
import { approvalsOf, countOf } from './requirements-view.ts';

/** What a release does or waits for, in one sentence. */
export interface StatusSentence {
  readonly tone: BadgeTone;
  /** Its timestamps are RFC 3339, as `Reason` shows them. */
  readonly text: string;
  /** When time alone ends the wait, RFC 3339: the time left follows the sentence. */
  readonly until?: string | undefined;
}

export interface ReleaseFacts {
  /** Undefined for a build that was never released. */
  readonly intent: ReleaseIntentState | undefined;
  /** Undefined until it is loaded. */
  readonly requirements?: GetReleaseRequirementsResponse | undefined;
  readonly destinations?: readonly DestinationState[] | undefined;
  /** The build's version, else its slug. */
  readonly build: string;
}

/** What an active release does or waits for; what needs a person comes first. */
export function statusSentence(facts: ReleaseFacts): StatusSentence {
  const { intent } = facts;
  return intent
    ? activeSentence(facts, intent)
    : { tone: 'neutral', text: 'Not released. Deploy it to an environment or run a pipeline.' };
}

function activeSentence(facts: ReleaseFacts, intent: ReleaseIntentState): StatusSentence {
  const { stages } = intent;
  const gated = stages.filter(({ status }) => status === Stage.AWAITING_APPROVAL);
  const requirementsOf = ({ stageId }: PipelineStageState) =>
    facts.requirements?.environments.find((one) => one.stageId === stageId);
  const first = gated.find((stage) => requirementsOf(stage)?.canApprove?.allowed) ?? gated[0];
  if (first) return gateSentence(first, requirementsOf(first));
  const moving = stages.find(
    ({ status, stageType }) => status === Stage.ACTIVE && stageType !== StageType.WAIT,
  );
  if (moving) return movingSentence(facts, intent, moving);
  const blocked = stages.find(({ status, reason }) => status === Stage.PENDING && reason);
  if (blocked) return gateSentence(blocked, requirementsOf(blocked));
  const wait = stages.find(({ status, waitUntil }) => status === Stage.ACTIVE && waitUntil);
  if (wait) return { tone: 'time', text: `Waiting until ${wait.waitUntil}`, until: wait.waitUntil };
  return { tone: 'neutral', text: 'Waiting for the next stage.' };
}

/** Of a stage that its policies, or the approval of its plan, hold back. */
function gateSentence(
  { environment: name = '', stageType, planStale, rejectedBy, bypassedBy, reason }: PipelineStageState,
  environment: EnvironmentRequirements | undefined,
): StatusSentence {
  if (stageType === StageType.PLAN) {
    const state = planStale ? 'is out of date' : 'awaits approval';
    return { tone: 'waiting', text: `Plan for ${name} ${state}.` };
  }
  if (!environment) {
    const waits = /awaiting approval: (\d+)\/(\d+)/.exec(reason ?? '');
    return waits
      ? { tone: 'waiting', text: `Awaiting approval for ${name}: ${waits[1]} of ${waits[2]} approvals` }
      : { tone: 'neutral', text: `Waiting for ${name}.` };
  }
  const blocked = environment.evaluations.filter(({ passed }) => !passed);
  const of = (...types: PolicyType[]) => blocked.find(({ policyType }) => types.includes(policyType));
  const approval = of(PolicyType.EXTERNAL_APPROVAL);
  const soak = of(PolicyType.SOAK_TIME);
  const hold = of(PolicyType.HOLD);
  const fixed = of(PolicyType.BRANCH_RESTRICTION, PolicyType.UNSPECIFIED);
  if (fixed) {
    const hint = "Approvals and waiting won't clear this.";
    return { tone: 'blocked', text: `Blocked by ${fixed.policyName}: ${fixed.reason}. ${hint}` };
  }
  if (approval) {
    const also = soak?.nextCheckAt
      ? `${name} also waits for the soak until ${soak.nextCheckAt}.`
      : hold && `${name} is ${hold.reason}.`;
    if (rejectedBy.length > 0) return rejectionSentence(environment, approval, rejectedBy);
    const text = approvalText(environment, approval);
    return { tone: 'waiting', text: also ? `${fullStop(text)} ${also}` : text };
  }
  const bypassed = bypassedBy && `${bypassText(bypassedBy, environment)} `;
  const tone = bypassed ? 'bypassed' : undefined;
  if (hold) return { tone: tone ?? 'waiting', text: `${bypassed ?? ''}${name} is ${hold.reason}.` };
  if (soak?.nextCheckAt) {
    const text = `${bypassed || 'Soaking. '}${name} opens at ${soak.nextCheckAt}`;
    return { tone: tone ?? 'time', text, until: soak.nextCheckAt };
  }
  const others = blocked.map((one) => `${one.policyName}: ${one.reason}`).join('; ');
  return { tone: tone ?? 'neutral', text: `${bypassed ?? ''}Waiting for ${name}${others && `: ${others}`}.` };
}

function rejectionSentence(
  environment: EnvironmentRequirements,
  approval: PolicyEvaluation,
  rejectedBy: readonly string[],
): StatusSentence {
  const comment = decisionsOf(environment).find(
    ({ decision, counted }) => decision === 'rejected' && counted,
  )?.comment;
  const others = rejectedBy.length > 1 ? ` and ${rejectedBy.length - 1} more` : '';
  const count = countOf(approval);
  return {
    tone: 'failed',
    text: `${fullStop(`Rejected by ${rejectedBy[0]}${others}${quoted(comment)}`)} ${environment.environment} has ${count} approvals.`,
  };
}

/** What is missing, and who can give it: the caller, if they may. */
function approvalText(environment: EnvironmentRequirements, approval: PolicyEvaluation): string {
  const { environment: name, myDecision: mine, canApprove } = environment;
  const { missingApprovals: missing } = approval;
  const voters = votersLabel(approval);
  if (mine?.decision === 'approved' && mine.counted) {
    const more = `${missing} more ${missing === 1 ? 'approval' : 'approvals'} needed`;
    return `You approved ${name} at ${mine.decidedAt}. ${more}${voters && ` from ${voters}`}.`;
  }
  const awaiting = `Awaiting approval for ${name}: ${countOf(approval)}`;
  if (canApprove?.allowed) return `${awaiting} approvals · you can approve`;
  if (approval.eligibleVoterCount === 0) return `${awaiting}. No other member can approve.`;
  return voters ? `${awaiting}. ${voters} can approve.` : `${awaiting} approvals`;
}

function movingSentence(
  { requirements }: ReleaseFacts,
  { steps }: ReleaseIntentState,
  { environment: name = '', stageId, stageType }: PipelineStageState,
): StatusSentence {
  if (stageType === StageType.PLAN) return { tone: 'running', text: `Planning for ${name}.` };
  const own = steps.filter((step) => step.stageId === stageId);
  if (own.every(({ statusCode }) => statusCode === ReleaseStatus.QUEUED)) {
    const next = requirements?.destinations.find(
      ({ environment, queuePosition }) => environment === name && queuePosition !== undefined,
    );
    const position = next ? `: #${next.queuePosition} on ${next.destinationName}` : '';
    return { tone: 'time', text: `Queued for ${name}${position}.` };
  }
  const done = own.filter(({ statusCode }) => statusCode === ReleaseStatus.SUCCEEDED).length;
  return { tone: 'running', text: `Deploying to ${name}: ${done} of ${plural(own.length)} done.` };
}

const decisionsOf = (environment: EnvironmentRequirements) =>
  approvalsOf(environment)[0]?.approvalState?.decisions ?? [];

/** Who bypassed the approvals, with the reason where it is known. */
export function bypassText(bypassedBy: string, environment: EnvironmentRequirements | undefined): string {
  const reason = environment && approvalsOf(environment)[0]?.approvalState?.bypassReason;
  return fullStop(`Approval bypassed by ${bypassedBy}${quoted(reason)}`);
}

const plural = (count: number) => `${count} ${count === 1 ? 'destination' : 'destinations'}`;
