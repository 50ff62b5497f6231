import { create } from '@bufbuild/protobuf';
import { expect, it } from 'vitest';
import { EnvironmentRequirementsSchema, PolicyType } from '#src/gen/forest/v1/policies_pb.ts';
import { skippedLabel } from './skipped-label.ts';

const approval = (currentApprovals: number, requiredApprovals: number, passed = false) => ({
  policyType: PolicyType.EXTERNAL_APPROVAL,
  passed,
  approvalState: { currentApprovals, requiredApprovals },
});

it.each([
  [[approval(1, 2)], 'This skips 1 of 2 approvals for production.'],
  [[approval(0, 1)], 'This skips 1 of 1 approval for production.'],
  [[approval(1, 3), approval(1, 1, true)], 'This skips 2 of 3 approvals for production.'],
  [
    [approval(0, 2), approval(0, 3)],
    'This skips 2 of 2 approvals for production and 3 of 3 approvals for production.',
  ],
  [[approval(2, 2, true)], 'No approvals for production are missing.'],
])('names what a bypass skips: %#', (evaluations, skipped) => {
  const environment = { environment: 'production', evaluations };
  expect(skippedLabel(create(EnvironmentRequirementsSchema, environment))).toBe(skipped);
});
