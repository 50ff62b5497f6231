import type { PolicyType } from '#domain/policy/policy.ts';
import { formatDuration } from '#domain/time/duration.ts';
import type { Policy } from '#src/gen/forest/v1/policies_pb.ts';

/** The policy types in the order of the editor. */
export const policyTypes: readonly {
  readonly type: PolicyType;
  readonly label: string;
  readonly description: string;
}[] = [
  {
    type: 'soak_time',
    label: 'Soak Time',
    description: 'A release must run in one environment for a set time before it can continue to the next.',
  },
  {
    type: 'branch_restriction',
    label: 'Branch Restriction',
    description: 'Only releases from branches that match a pattern may be deployed to the environment.',
  },
  {
    type: 'approval',
    label: 'Approval Required',
    description:
      'Requires approvals from members other than the author before a release is deployed to the environment.',
  },
];

/** The label of a policy's badge. */
export function policyLabel(policy: Policy): string {
  return policyTypes.find(({ type }) => type === policyTypeOf(policy))?.label ?? 'Unknown type';
}

const typeOfCase = {
  soakTime: 'soak_time',
  branchRestriction: 'branch_restriction',
  approval: 'approval',
} as const;

/** The type of a policy; null for one that this dashboard does not know. */
export function policyTypeOf(policy: Policy): PolicyType | null {
  return policy.config.case ? typeOfCase[policy.config.case] : null;
}

/** The environment that a policy protects; empty for a policy of an unknown type. */
export function targetOf({ config }: Policy): string {
  return config.case ? config.value.targetEnvironment : '';
}

/** A policy's settings in short: `staging → production · 30m`. */
export function policyDetails({ config }: Policy): string {
  switch (config.case) {
    case 'soakTime': {
      const { sourceEnvironment, targetEnvironment, durationSeconds, newerBuildsCount } = config.value;
      const soak = `${sourceEnvironment} → ${targetEnvironment} · ${formatDuration(Number(durationSeconds))}`;
      return newerBuildsCount ? `${soak} · newer builds count` : soak;
    }
    case 'branchRestriction':
      return `${config.value.branchPattern} → ${config.value.targetEnvironment}`;
    case 'approval': {
      const { targetEnvironment, requiredApprovals } = config.value;
      return `${targetEnvironment} · ${requiredApprovals} ${requiredApprovals === 1 ? 'approval' : 'approvals'}`;
    }
    default:
      return 'Unknown policy type. It still blocks this environment.';
  }
}
