import type { PolicyType } from '#domain/policy/policy.ts';
import { formatDuration } from '#domain/time/duration.ts';
import type { Policy } from '#src/gen/forest/v1/policies_pb.ts';

/** The three kinds of policy: what they are called and what they do, in the order of the editor. */
export const policyKinds: readonly {
  readonly type: PolicyType;
  readonly label: string;
  readonly about: string;
}[] = [
  {
    type: 'soak_time',
    label: 'Soak Time',
    about: 'A release has to have run in one environment for a while before it may go on to another.',
  },
  {
    type: 'branch_restriction',
    label: 'Branch Restriction',
    about: 'Only releases from branches that match a pattern may be deployed to the environment.',
  },
  {
    type: 'approval',
    label: 'Approval Required',
    about:
      'So many members other than the author have to approve before a release is deployed to the environment.',
  },
];

/** The words on a policy's badge. */
export function policyLabel(policy: Policy): string {
  return policyKinds.find(({ type }) => type === policyTypeOf(policy))?.label ?? 'Unknown type';
}

const typeOfCase = {
  soakTime: 'soak_time',
  branchRestriction: 'branch_restriction',
  approval: 'approval',
} as const;

/** The kind of a policy; null when this dashboard does not know it. */
export function policyTypeOf(policy: Policy): PolicyType | null {
  return policy.config.case ? typeOfCase[policy.config.case] : null;
}

/** What a policy demands, in the short form of the list: `staging → production · 30m`. */
export function policyDetails({ config }: Policy): string {
  switch (config.case) {
    case 'soakTime': {
      const { sourceEnvironment, targetEnvironment, durationSeconds } = config.value;
      return `${sourceEnvironment} → ${targetEnvironment} · ${formatDuration(Number(durationSeconds))}`;
    }
    case 'branchRestriction':
      return `${config.value.branchPattern} → ${config.value.targetEnvironment}`;
    case 'approval': {
      const { targetEnvironment, requiredApprovals } = config.value;
      return `${targetEnvironment} · ${requiredApprovals} ${requiredApprovals === 1 ? 'approval' : 'approvals'}`;
    }
    default:
      return 'This dashboard does not know this kind of policy. It blocks its environment all the same.';
  }
}
