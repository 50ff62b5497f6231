import { create, type MessageInitShape } from '@bufbuild/protobuf';
import type { ApprovalTally, CountedVote } from '#domain/approval/tally.ts';
import type { PolicyConfig, UnreadableConfig } from '#domain/policy/policy.ts';
import type { PolicyWarning } from '#domain/policy/satisfiable.ts';
import type { JudgedPolicy } from '#server/features/gate/surroundings.ts';
import {
  type ApprovalDecisionEntry,
  ApprovalDecisionEntrySchema,
  type ApprovalState,
  ApprovalStateSchema,
  type CreatePolicyRequest,
  type Policy,
  type PolicyEvaluation,
  PolicyEvaluationSchema,
  PolicySchema,
  PolicyType,
  PolicyWarningKind,
  type PolicyWarningSchema,
} from '#server/gen/forest/v1/policies_pb.ts';
import { instant } from '#server/rpc/time.ts';
import type { StoredPolicy } from './service.ts';

/** Types of policies as the wire's enum has them. */
export const policyTypeToWire: Readonly<Record<PolicyConfig['type'] | 'unreadable', PolicyType>> = {
  soak_time: PolicyType.SOAK_TIME,
  branch_restriction: PolicyType.BRANCH_RESTRICTION,
  approval: PolicyType.EXTERNAL_APPROVAL,
  unreadable: PolicyType.UNSPECIFIED,
};

type WireConfig = CreatePolicyRequest['config'];

/** A config as a request carries it; null when the request carries none. */
export function configOfWire(config: WireConfig): PolicyConfig | null {
  switch (config.case) {
    case 'soakTime': {
      const { sourceEnvironment, targetEnvironment, durationSeconds } = config.value;
      return {
        type: 'soak_time',
        sourceEnvironment,
        targetEnvironment,
        durationSeconds: Number(durationSeconds),
      };
    }
    case 'branchRestriction': {
      const { targetEnvironment, branchPattern } = config.value;
      return { type: 'branch_restriction', targetEnvironment, branchPattern };
    }
    case 'approval': {
      const { targetEnvironment, requiredApprovals } = config.value;
      return { type: 'approval', targetEnvironment, requiredApprovals };
    }
    case undefined:
      return null;
  }
}

function configToWire(config: PolicyConfig | UnreadableConfig) {
  switch (config.type) {
    case 'soak_time': {
      const { sourceEnvironment, targetEnvironment, durationSeconds } = config;
      const value = { sourceEnvironment, targetEnvironment, durationSeconds: BigInt(durationSeconds) };
      return { case: 'soakTime' as const, value };
    }
    case 'branch_restriction': {
      const { targetEnvironment, branchPattern } = config;
      return { case: 'branchRestriction' as const, value: { targetEnvironment, branchPattern } };
    }
    case 'approval': {
      const { targetEnvironment, requiredApprovals } = config;
      return { case: 'approval' as const, value: { targetEnvironment, requiredApprovals } };
    }
    case 'unreadable':
      return { case: undefined };
  }
}

const WARNING_KINDS: Readonly<Record<PolicyWarning['kind'], PolicyWarningKind>> = {
  not_enough_voters: PolicyWarningKind.NOT_ENOUGH_VOTERS,
  only_author_could_vote: PolicyWarningKind.ONLY_AUTHOR_COULD_VOTE,
  source_without_destinations: PolicyWarningKind.SOURCE_WITHOUT_DESTINATIONS,
  target_without_destinations: PolicyWarningKind.TARGET_WITHOUT_DESTINATIONS,
  pattern_matches_no_recent_branch: PolicyWarningKind.PATTERN_MATCHES_NO_RECENT_BRANCH,
};

export function warningToWire(warning: PolicyWarning): MessageInitShape<typeof PolicyWarningSchema> {
  const { policyId, policyName } = warning;
  const about = { kind: WARNING_KINDS[warning.kind], policyId, policyName };
  switch (warning.kind) {
    case 'not_enough_voters':
      return { ...about, required: warning.required, eligible: warning.eligible };
    case 'only_author_could_vote':
      return { ...about, required: warning.required };
    case 'source_without_destinations':
    case 'target_without_destinations':
      return { ...about, environment: warning.environment };
    case 'pattern_matches_no_recent_branch':
      return { ...about, pattern: warning.pattern, recentBranches: [...warning.examples] };
  }
}

export const policyToWire = (policy: StoredPolicy): Policy =>
  create(PolicySchema, {
    id: policy.id,
    name: policy.name,
    enabled: policy.enabled,
    policyType: policyTypeToWire[policy.config.type],
    config: configToWire(policy.config),
    createdAt: instant(policy.createdAt),
    updatedAt: instant(policy.updatedAt),
    warnings: policy.warnings.map(warningToWire),
  });

export const decisionToWire = (vote: CountedVote): ApprovalDecisionEntry =>
  create(ApprovalDecisionEntrySchema, {
    userId: vote.userId,
    username: vote.username,
    decision: vote.decision,
    decidedAt: instant(vote.decidedAt),
    comment: vote.comment ?? undefined,
    bypass: vote.bypass,
    counted: vote.counted,
    notCountedReason: vote.notCountedReason ?? undefined,
  });

export const approvalStateToWire = (tally: ApprovalTally): ApprovalState =>
  create(ApprovalStateSchema, {
    requiredApprovals: tally.required,
    currentApprovals: tally.current,
    decisions: tally.decisions.map(decisionToWire),
    bypassedBy: tally.bypass?.username,
    bypassReason: tally.bypass?.comment ?? undefined,
  });

/** More voters than these are counted, not named. */
const NAMED_VOTERS = 20;

export const judgedToWire = ({ evaluation, outlook }: JudgedPolicy): PolicyEvaluation =>
  create(PolicyEvaluationSchema, {
    policyName: evaluation.policyName,
    policyType: policyTypeToWire[evaluation.type],
    passed: evaluation.passed,
    reason: evaluation.reason,
    approvalState: evaluation.approval === null ? undefined : approvalStateToWire(evaluation.approval),
    policyId: evaluation.policyId,
    targetEnvironment: evaluation.targetEnvironment,
    nextCheckAt: instant(evaluation.nextCheckAt),
    missingApprovals: outlook?.missing ?? 0,
    eligibleVoters: outlook?.eligible.slice(0, NAMED_VOTERS) ?? [],
    eligibleVoterCount: outlook?.eligible.length ?? 0,
  });
