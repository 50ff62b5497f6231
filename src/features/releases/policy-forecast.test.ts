import { create } from '@bufbuild/protobuf';
import { expect, it } from 'vitest';
import { PolicyEvaluationSchema, PolicyType } from '#src/gen/forest/v1/policies_pb.ts';
import { forecast } from './policy-forecast.ts';

const blocked = (policyType: PolicyType, policyName: string, reason: string, requiredApprovals?: number) =>
  create(PolicyEvaluationSchema, {
    policyType,
    policyName,
    reason,
    targetEnvironment: 'production',
    approvalState: requiredApprovals === undefined ? undefined : { requiredApprovals },
  });

it('forbids a release only by rules that neither votes nor time can satisfy', () => {
  const { forbidden, pending } = forecast([
    blocked(PolicyType.EXTERNAL_APPROVAL, 'two people', 'no release in context', 2),
    blocked(PolicyType.EXTERNAL_APPROVAL, 'any approval', 'no release in context'),
    blocked(PolicyType.SOAK_TIME, 'soak', 'never deployed to staging'),
    blocked(PolicyType.BRANCH_RESTRICTION, 'main only', 'branch fix does not match ^main$'),
    blocked(PolicyType.UNSPECIFIED, 'new rule', 'unknown policy type'),
    create(PolicyEvaluationSchema, { policyType: PolicyType.BRANCH_RESTRICTION, passed: true }),
  ]);
  expect(forbidden.map(({ policy, reason }) => [policy, reason])).toEqual([
    ['main only', 'branch fix does not match ^main$'],
    ['new rule', 'unknown policy type'],
  ]);
  expect(pending.map(({ requirement, reason }) => [requirement, reason])).toEqual([
    ['2 approvals', ''],
    ['approvals', ''],
    ['soak time', 'never deployed to staging'],
  ]);
});
