import { create, type MessageInitShape } from '@bufbuild/protobuf';
import { describe, expect, it } from 'vitest';
import {
  EnvironmentRequirementsSchema,
  GetReleaseRequirementsResponseSchema,
  PolicyType,
} from '#src/gen/forest/v1/policies_pb.ts';
import { ReleaseIntentStatus, PipelineRunStageStatus as Stage } from '#src/gen/forest/v1/releases_pb.ts';
import { authorLabel, barLabel, decidableOf, reasonsByStage, tally } from './requirements-view.ts';

const active = { intentStatus: ReleaseIntentStatus.ACTIVE };
const allowed = { allowed: true };
const approval = (currentApprovals: number, requiredApprovals = 2) => ({
  policyType: PolicyType.EXTERNAL_APPROVAL,
  passed: currentApprovals === requiredApprovals,
  approvalState: { currentApprovals, requiredApprovals },
});
const waiting = {
  environment: 'production',
  stageStatus: Stage.AWAITING_APPROVAL,
  evaluations: [approval(1)],
};

it.each([
  ['an active release', active, { stageStatus: Stage.PENDING }, { passed: 1, total: 2 }],
  ['a queued deployment', active, { stageStatus: Stage.ACTIVE }, { passed: 1, total: 2 }],
  [
    'a gate that has opened, whose verdicts were kept',
    {},
    { stageStatus: Stage.SUCCEEDED, openedAt: '2026-11-24T10:12:00Z' },
    { passed: 1, total: 2 },
  ],
  ['one whose verdicts were not kept', {}, { stageStatus: Stage.SUCCEEDED }, { passed: 0, total: 0 }],
  [
    'a cancelled release',
    { intentStatus: ReleaseIntentStatus.CANCELLED },
    { stageStatus: Stage.CANCELLED },
    { passed: 0, total: 0 },
  ],
])('counts the verdicts of %s', (_what, release, stage, counted) => {
  const environments = [{ ...stage, evaluations: [{ passed: true }, { passed: false }] }];
  expect(tally(create(GetReleaseRequirementsResponseSchema, { ...release, environments }))).toEqual(counted);
});

describe('the environment to decide on', () => {
  const decidable = (...environments: MessageInitShape<typeof EnvironmentRequirementsSchema>[]) =>
    decidableOf(create(GetReleaseRequirementsResponseSchema, { ...active, environments }))?.environment;

  it('is the first that waits for the caller', () => {
    const voted = { ...waiting, canReject: allowed, myDecision: { decision: 'approved', counted: true } };
    expect(
      decidable(
        { ...voted, environment: 'staging' },
        { ...waiting, environment: 'production', canApprove: allowed },
      ),
    ).toBe('production');
    expect(decidable({ ...voted, environment: 'staging' })).toBe('staging');
  });

  it('is none where the caller may not vote, or nothing is voted on', () => {
    expect(decidable(waiting)).toBeUndefined();
    expect(decidable({ ...waiting, canApprove: allowed, evaluations: [] })).toBeUndefined();
    expect(decidable({ ...waiting, stageStatus: Stage.SUCCEEDED, canApprove: allowed })).toBeUndefined();
  });
});

it.each([
  [{}, '1 of 2 approvals · production'],
  [{ evaluations: [approval(0, 1)] }, '0 of 1 approval · production'],
  [{ evaluations: [approval(1, 1), approval(0, 3)] }, '0 of 3 approvals · production'],
  [{ myDecision: { decision: 'approved', counted: true } }, 'You approved · 1 of 2 approvals · production'],
  [{ myDecision: { decision: 'rejected' } }, 'You rejected · 1 of 2 approvals · production'],
  [{ myDecision: { decision: 'approved' } }, '1 of 2 approvals · production'],
])('says in the bar what is missing: %#', (more, label) => {
  expect(barLabel(create(EnvironmentRequirementsSchema, { ...waiting, ...more }))).toBe(label);
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
