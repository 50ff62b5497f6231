import { create, type MessageInitShape } from '@bufbuild/protobuf';
import { Code, ConnectError } from '@connectrpc/connect';
import { describe, expect, it } from 'vitest';
import { BallotEffectSchema, PolicyEvaluationSchema, PolicyType } from '#src/gen/forest/v1/policies_pb.ts';
import { effectLabel, failureMessage, missingLabel } from './ballot-labels.ts';

const approval = (missingApprovals: number, names: string[], eligibleVoterCount = names.length) =>
  create(PolicyEvaluationSchema, {
    policyType: PolicyType.EXTERNAL_APPROVAL,
    missingApprovals,
    eligibleVoters: names.map((username) => ({ userId: username, username })),
    eligibleVoterCount,
  });

describe('what is missing and who can provide it', () => {
  it.each([
    [approval(1, ['reviewer']), '1 more approval needed from anyone except author: reviewer'],
    [
      approval(1, ['admin', 'reviewer']),
      '1 more approval needed from anyone except author: admin or reviewer',
    ],
    [approval(2, ['a', 'b', 'c']), '2 more approvals needed from anyone except author: a, b or c'],
    [approval(1, ['a', 'b', 'c', 'd', 'e']), '1 more approval needed from anyone except author'],
    [approval(3, ['a', 'b', 'c'], 40), '3 more approvals needed from anyone except author'],
    [approval(2, ['admin']), '2 more approvals needed, but only 1 member can approve: admin'],
    [approval(1, []), '1 more approval needed, but no other member can approve'],
  ])('%o: %s', (evaluation, label) => {
    expect(missingLabel(evaluation, 'author')).toBe(label);
  });

  it('is undefined where no vote is missing', () => {
    expect(missingLabel(approval(0, ['admin']), 'author')).toBeUndefined();
    expect(missingLabel({ ...approval(1, ['admin']), passed: true }, 'author')).toBeUndefined();
    const soak = create(PolicyEvaluationSchema, { policyType: PolicyType.SOAK_TIME });
    expect(missingLabel(soak, 'author')).toBeUndefined();
  });
});

const waits = { policyName: 'prod-approval', reason: 'awaiting approval: 1/2' };

describe('what a vote would do', () => {
  it.each<[MessageInitShape<typeof BallotEffectSchema>, string]>([
    [{ completes: ['prod-approval'], opens: true }, 'prod-approval passes; the gate opens immediately'],
    [
      {
        completes: ['prod-approval'],
        opensAt: '2026-03-01T18:00:00Z',
        remaining: [{ policyName: 'soak', reason: '1h left' }],
      },
      'prod-approval passes; the gate opens when the soak ends at 2026-03-01T18:00:00Z',
    ],
    [{ remaining: [waits] }, 'prod-approval still blocks (awaiting approval: 1/2)'],
    [
      { completes: ['one', 'two'], remaining: [{ policyName: 'main-only' }] },
      'one and two pass; main-only still blocks',
    ],
    [
      { undoes: ['prod-approval'], remaining: [waits] },
      'prod-approval blocks again; prod-approval still blocks (awaiting approval: 1/2)',
    ],
    [{ undoes: ['a', 'b'] }, 'a and b block again'],
    [{}, 'no policy result changes'],
  ])('%o: %s', (effect, label) => {
    expect(effectLabel(create(BallotEffectSchema, effect), [])).toBe(label);
  });
});

it('does not repeat a reason that the vote does not change', () => {
  const soak = { policyName: 'soak', reason: '14m left of 30m in staging' };
  const now = [soak, { policyName: 'prod-approval', reason: 'awaiting approval: 0/2' }].map((one) =>
    create(PolicyEvaluationSchema, one),
  );
  const label = (remaining: { policyName: string; reason: string }[]) =>
    effectLabel(create(BallotEffectSchema, { remaining }), now);
  expect(label([soak, waits])).toBe('prod-approval still blocks (awaiting approval: 1/2); soak still blocks');
  expect(label([soak, { ...waits, reason: 'awaiting approval: 0/2' }])).toBe('no policy result changes');
});

describe('why a vote was not recorded', () => {
  it('asks to try again when no server answered', () => {
    expect(failureMessage(new TypeError('Failed to fetch'), 'approved')).toBe(
      "Can't reach the server. Your approval hasn't been sent. Try again.",
    );
  });

  it.each([
    [
      'a refusal',
      new ConnectError('The release has ended', Code.FailedPrecondition),
      /: The release has ended$/,
    ],
    [
      'a server without its database',
      new ConnectError('The database is away', Code.Unavailable, { 'x-request-id': 'r1' }),
      /: The database is away/,
    ],
  ])('quotes the server after %s', (_what, error, message) => {
    expect(failureMessage(error, 'rejected')).toMatch(/^Your rejection was not recorded/);
    expect(failureMessage(error, 'rejected')).toMatch(message);
  });
});
