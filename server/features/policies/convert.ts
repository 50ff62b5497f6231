import { create } from '@bufbuild/protobuf';
import type { ApprovalTally, CountedVote } from '#domain/approval/tally.ts';
import type { Evaluation } from '#domain/policy/evaluate.ts';
import type { PolicyConfig, UnreadableConfig } from '#domain/policy/policy.ts';
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
} from '#server/gen/forest/v1/policies_pb.ts';
import { instant } from '#server/rpc/time.ts';
import type { StoredPolicy } from './service.ts';

const WIRE_TYPES: Readonly<Record<PolicyConfig['type'] | 'unreadable', PolicyType>> = {
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

export const policyToWire = (policy: StoredPolicy): Policy =>
  create(PolicySchema, {
    id: policy.id,
    name: policy.name,
    enabled: policy.enabled,
    policyType: WIRE_TYPES[policy.config.type],
    config: configToWire(policy.config),
    createdAt: instant(policy.createdAt),
    updatedAt: instant(policy.updatedAt),
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

export const evaluationToWire = (evaluation: Evaluation): PolicyEvaluation =>
  create(PolicyEvaluationSchema, {
    policyName: evaluation.policyName,
    policyType: WIRE_TYPES[evaluation.type],
    passed: evaluation.passed,
    reason: evaluation.reason,
    approvalState: evaluation.approval === null ? undefined : approvalStateToWire(evaluation.approval),
    policyId: evaluation.policyId,
    targetEnvironment: evaluation.targetEnvironment,
    nextCheckAt: instant(evaluation.nextCheckAt),
  });
