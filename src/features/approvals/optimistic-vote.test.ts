import { create } from '@bufbuild/protobuf';
import { describe, expect, it } from 'vitest';
import {
  ApprovalStateSchema,
  type GetReleaseRequirementsResponse,
  GetReleaseRequirementsResponseSchema,
  PolicyType,
} from '#src/gen/forest/v1/policies_pb.ts';
import { withAnswer, withEnvironmentOf, withVote } from './optimistic-vote.ts';

const me = { userId: 'me', username: 'reviewer' };
const now = new Date('2026-01-01T12:00:00Z');
const approve = { environment: 'production', decision: 'approved', comment: 'fine' } as const;
const reject = { environment: 'production', decision: 'rejected', comment: '' } as const;

function gate(decisions: { userId: string; decision: string; bypass?: boolean; counted?: boolean }[] = []) {
  const entries = decisions.map((one) => ({ counted: true, ...one }));
  const current = entries.filter((one) => one.decision === 'approved' && !one.bypass && one.counted).length;
  const approval = (requiredApprovals: number) => ({
    policyType: PolicyType.EXTERNAL_APPROVAL,
    approvalState: { requiredApprovals, currentApprovals: current, decisions: entries },
  });
  return create(GetReleaseRequirementsResponseSchema, {
    environments: ['staging', 'production'].map((environment) => ({
      environment,
      evaluations: [approval(2), { policyType: PolicyType.SOAK_TIME }, approval(3)],
      myDecision: entries.find((one) => one.userId === 'me'),
    })),
  });
}

function counts(requirements: GetReleaseRequirementsResponse, environment = 'production') {
  return requirements.environments
    .find((one) => one.environment === environment)
    ?.evaluations.flatMap(({ approvalState }) => (approvalState ? [approvalState.currentApprovals] : []));
}

describe('withVote', () => {
  it.each([
    ['a first approval', gate(), approve, 1],
    ['a first rejection', gate(), reject, 0],
    ['an approval beside another’s', gate([{ userId: 'other', decision: 'approved' }]), approve, 2],
    ['a rejection turned into an approval', gate([{ userId: 'me', decision: 'rejected' }]), approve, 1],
    ['an approval turned into a rejection', gate([{ userId: 'me', decision: 'approved' }]), reject, 0],
    ['the same approval again', gate([{ userId: 'me', decision: 'approved' }]), approve, 1],
    [
      'an own bypass turned into an approval',
      gate([{ userId: 'me', decision: 'approved', bypass: true }]),
      approve,
      1,
    ],
  ])('%s: the count is right in every approval policy', (_name, before, vote, expected) => {
    expect(counts(withVote(before, vote, me, now))).toEqual([expected, expected]);
  });

  it('shows the voter’s one entry with comment and time, and leaves the other environment alone', () => {
    const before = gate([{ userId: 'me', decision: 'rejected' }]);
    const after = withVote(before, approve, me, now);
    const [staging, production] = after.environments;
    expect(staging).toBe(before.environments[0]);
    expect(production?.myDecision).toMatchObject({ decision: 'approved', comment: 'fine' });
    expect(production?.evaluations[0]?.approvalState?.decisions).toEqual([production?.myDecision]);
    expect(production?.myDecision?.decidedAt).toBe(now.toISOString());
  });

  it('is the same done twice as done once, and decides no verdict', () => {
    const once = withVote(gate(), approve, me, now);
    expect(withVote(once, approve, me, now)).toEqual(once);
    expect(once.environments.flatMap((one) => one.evaluations).some((one) => one.passed)).toBe(false);
  });
});

it('withAnswer takes the server’s votes and keeps each policy’s own required number', () => {
  const answer = create(ApprovalStateSchema, {
    requiredApprovals: 2,
    currentApprovals: 2,
    decisions: [
      { userId: 'other', decision: 'approved', counted: true },
      { userId: 'me', decision: 'approved', counted: true },
    ],
  });
  const after = withAnswer(withVote(gate(), approve, me, now), 'production', answer, me);
  const states = after.environments[1]?.evaluations.map((one) => one.approvalState);
  expect(states?.map((state) => state?.requiredApprovals)).toEqual([2, undefined, 3]);
  expect(states?.[2]?.currentApprovals).toBe(2);
  expect(after.environments[1]?.myDecision).toEqual(answer.decisions[1]);
});

it('withEnvironmentOf puts one environment back and keeps a vote on another', () => {
  const before = gate();
  const both = withVote(withVote(before, approve, me, now), { ...approve, environment: 'staging' }, me, now);
  const after = withEnvironmentOf(both, 'production', before);
  expect(counts(after)).toEqual([0, 0]);
  expect(counts(after, 'staging')).toEqual([1, 1]);
});
