import { create, type MessageInitShape } from '@bufbuild/protobuf';
import { expect, it } from 'vitest';
import {
  EnvironmentRequirementsSchema,
  GetReleaseRequirementsResponseSchema,
  type PolicyEvaluationSchema,
  PolicyType,
} from '#src/gen/forest/v1/policies_pb.ts';
import { PipelineRunStageStatus as Stage } from '#src/gen/forest/v1/releases_pb.ts';
import { authorLabel, reasonsByStage, skippedLabel, tally } from './requirements-view.ts';

const production = (evaluations: MessageInitShape<typeof PolicyEvaluationSchema>[]) =>
  create(EnvironmentRequirementsSchema, { environment: 'production', evaluations });
const approval = (currentApprovals: number, requiredApprovals: number, passed = false) => ({
  policyType: PolicyType.EXTERNAL_APPROVAL,
  passed,
  approvalState: { currentApprovals, requiredApprovals },
});

it('counts passed evaluations over all environments', () => {
  const requirements = create(GetReleaseRequirementsResponseSchema, {
    environments: [production([{ passed: true }, { passed: false }]), production([{ passed: true }])],
  });
  expect(tally(requirements)).toEqual({ passed: 2, total: 3 });
});

it.each([
  [[approval(1, 2)], 'This skips 1 of 2 approvals for production'],
  [[approval(0, 1)], 'This skips 1 of 1 approval for production'],
  [[approval(1, 3), approval(1, 1, true)], 'This skips 2 of 3 approvals for production'],
  [
    [approval(0, 2), approval(0, 3)],
    'This skips 2 of 2 approvals for production, and 3 of 3 approvals for production',
  ],
  [[approval(2, 2, true)], 'No approvals for production are missing'],
])('names what a bypass skips: %#', (evaluations, skipped) => {
  expect(skippedLabel(production(evaluations))).toBe(`${skipped}; soak time and branch rules stay in force.`);
});

it('gives the reasons of the stages that have not started', () => {
  const environment = (stageId: string, stageStatus: Stage, ...reasons: string[]) => ({
    stageId,
    stageStatus,
    evaluations: [...reasons.map((reason) => ({ reason })), { passed: true, reason: 'fine' }],
  });
  const requirements = create(GetReleaseRequirementsResponseSchema, {
    environments: [
      environment('a', Stage.AWAITING_APPROVAL, '4m left', 'awaiting approval: 0/2'),
      environment('b', Stage.PENDING),
      environment('c', Stage.SUCCEEDED, '3m left'),
    ],
  });
  expect(reasonsByStage(requirements)).toEqual({ a: '4m left; awaiting approval: 0/2' });
});

it.each([
  [[], 'ci'],
  [['ci (service account)', 'alice'], 'ci (service account) or alice'],
])('names the authors %j as %s', (usernames, label) => {
  const authors = usernames.map((username) => ({ username }));
  const requirements = create(GetReleaseRequirementsResponseSchema, { authorUsername: 'ci', authors });
  expect(authorLabel(requirements)).toBe(label);
});
