import { create, type MessageInitShape } from '@bufbuild/protobuf';
import type { JudgedPolicy } from '#domain/approval/outlook.ts';
import type { ApprovalTally, CountedVote } from '#domain/approval/tally.ts';
import type { EvaluatedType } from '#domain/policy/evaluate.ts';
import type { PolicyConfig, UnreadableConfig } from '#domain/policy/policy.ts';
import type { PolicyWarning } from '#domain/policy/satisfiable.ts';
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
import { timestamp } from '#server/wire/timestamps.ts';
import { withoutNulls } from '#server/wire/without-nulls.ts';
import type { StoredPolicy } from './service.ts';

export const policyTypeToWire: Readonly<Record<EvaluatedType, PolicyType>> = {
  soak_time: PolicyType.SOAK_TIME,
  branch_restriction: PolicyType.BRANCH_RESTRICTION,
  approval: PolicyType.EXTERNAL_APPROVAL,
  hold: PolicyType.HOLD,
  unreadable: PolicyType.UNSPECIFIED,
};

type WireConfig = CreatePolicyRequest['config'];

/** Null when the request has no config. Optional fields that it leaves out are those of `stored`. */
export function configFromWire(
  config: WireConfig,
  stored: PolicyConfig | UnreadableConfig | null = null,
): PolicyConfig | null {
  switch (config.case) {
    case 'soakTime': {
      const { sourceEnvironment, targetEnvironment, durationSeconds: seconds } = config.value;
      const { newerBuildsCount = stored?.type === 'soak_time' && stored.newerBuildsCount } = config.value;
      const durationSeconds = Number(seconds);
      return { type: 'soak_time', sourceEnvironment, targetEnvironment, durationSeconds, newerBuildsCount };
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

function configToWire(
  config: PolicyConfig | UnreadableConfig,
): MessageInitShape<typeof PolicySchema>['config'] {
  switch (config.type) {
    case 'soak_time':
      return { case: 'soakTime', value: { ...config, durationSeconds: BigInt(config.durationSeconds) } };
    case 'branch_restriction':
      return { case: 'branchRestriction', value: config };
    case 'approval':
      return { case: 'approval', value: config };
    case 'unreadable':
      return { case: undefined };
  }
}

const WARNING_KINDS: Readonly<Record<PolicyWarning['kind'], PolicyWarningKind>> = {
  not_enough_voters: PolicyWarningKind.NOT_ENOUGH_VOTERS,
  only_author_could_vote: PolicyWarningKind.ONLY_AUTHOR_COULD_VOTE,
  unknown_source: PolicyWarningKind.UNKNOWN_SOURCE,
  rollback: PolicyWarningKind.ROLLBACK,
  soak_interrupted: PolicyWarningKind.SOAK_INTERRUPTED,
  soak_seldom_reached: PolicyWarningKind.SOAK_SELDOM_REACHED,
  source_without_destinations: PolicyWarningKind.SOURCE_WITHOUT_DESTINATIONS,
  target_without_destinations: PolicyWarningKind.TARGET_WITHOUT_DESTINATIONS,
  pattern_matches_no_recent_branch: PolicyWarningKind.PATTERN_MATCHES_NO_RECENT_BRANCH,
};

export const warningToWire = (warning: PolicyWarning): MessageInitShape<typeof PolicyWarningSchema> => ({
  ...warning,
  kind: WARNING_KINDS[warning.kind],
  recentBranches: 'examples' in warning ? [...warning.examples] : [],
});

export const policyToWire = (policy: StoredPolicy): Policy =>
  create(PolicySchema, {
    ...policy,
    policyType: policyTypeToWire[policy.config.type],
    config: configToWire(policy.config),
    version: BigInt(policy.version),
    createdAt: timestamp(policy.createdAt),
    updatedAt: timestamp(policy.updatedAt),
    warnings: policy.warnings.map(warningToWire),
  });

export const decisionToWire = (vote: CountedVote): ApprovalDecisionEntry =>
  create(ApprovalDecisionEntrySchema, {
    ...withoutNulls(vote),
    decidedAt: timestamp(vote.decidedAt),
  });

export const approvalStateToWire = (tally: ApprovalTally): ApprovalState =>
  create(ApprovalStateSchema, {
    requiredApprovals: tally.required,
    currentApprovals: tally.current,
    decisions: tally.decisions.map(decisionToWire),
    bypassedBy: tally.bypass?.username,
    bypassReason: tally.bypass?.comment ?? undefined,
  });

/** The most eligible voters that an answer names; all are counted. */
const MAX_NAMED_VOTERS = 20;

export const evaluationToWire = ({ evaluation, outlook }: JudgedPolicy): PolicyEvaluation =>
  create(PolicyEvaluationSchema, {
    ...evaluation,
    policyType: policyTypeToWire[evaluation.type],
    approvalState: evaluation.approval === null ? undefined : approvalStateToWire(evaluation.approval),
    nextCheckAt: timestamp(evaluation.nextCheckAt),
    missingApprovals: outlook?.missing ?? 0,
    eligibleVoters: outlook?.eligible.slice(0, MAX_NAMED_VOTERS) ?? [],
    eligibleVoterCount: outlook?.eligible.length ?? 0,
  });
