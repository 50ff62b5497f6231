import { create, type MessageInitShape } from '@bufbuild/protobuf';
import { describe, expect, it } from 'vitest';
import { BallotEffectSchema, PolicyEvaluationSchema, PolicyType } from '#src/gen/forest/v1/policies_pb.ts';
import { effectWords, missingWords } from './effect-words.ts';

const approval = (missingApprovals: number, names: string[], eligibleVoterCount = names.length) =>
  create(PolicyEvaluationSchema, {
    policyType: PolicyType.EXTERNAL_APPROVAL,
    missingApprovals,
    eligibleVoters: names.map((username) => ({ userId: username, username })),
    eligibleVoterCount,
  });

describe('what is missing, and who can supply it', () => {
  it.each([
    [approval(1, ['reviewer']), '1 more approval, from anyone but author: reviewer'],
    [approval(1, ['admin', 'reviewer']), '1 more approval, from anyone but author: admin or reviewer'],
    [approval(2, ['a', 'b', 'c']), '2 more approvals, from anyone but author: a, b or c'],
    [approval(1, ['a', 'b', 'c', 'd', 'e']), '1 more approval, from anyone but author'],
    [approval(3, ['a', 'b', 'c'], 40), '3 more approvals, from anyone but author'],
    [
      approval(2, ['admin']),
      '2 more approvals, but only 1 member can still give one, from anyone but author: admin',
    ],
    [approval(1, []), '1 more approval, but no member is left who may give one'],
  ])('%o: %s', (evaluation, words) => {
    expect(missingWords(evaluation, 'author')).toBe(words);
  });

  it('says nothing where no vote is missing', () => {
    expect(missingWords(approval(0, ['admin']), 'author')).toBeUndefined();
    expect(missingWords({ ...approval(1, ['admin']), passed: true }, 'author')).toBeUndefined();
    const soak = create(PolicyEvaluationSchema, { policyType: PolicyType.SOAK_TIME });
    expect(missingWords(soak, 'author')).toBeUndefined();
  });
});

const waits = { policyName: 'prod-approval', reason: 'awaiting approval: 1/2' };

describe('what a vote would do', () => {
  it.each<[MessageInitShape<typeof BallotEffectSchema>, string]>([
    [{ completes: ['prod-approval'], opens: true }, 'completes prod-approval; opens the gate at once'],
    [
      {
        completes: ['prod-approval'],
        opensAt: '2026-03-01T18:00:00Z',
        remaining: [{ policyName: 'soak', reason: '1h left' }],
      },
      'completes prod-approval; opens when the soak ends at 2026-03-01T18:00:00Z',
    ],
    [{ remaining: [waits] }, 'prod-approval still blocks (awaiting approval: 1/2)'],
    [
      { completes: ['one', 'two'], remaining: [{ policyName: 'main-only' }] },
      'completes one and two; main-only still blocks',
    ],
    [
      { undoes: ['prod-approval'], remaining: [waits] },
      'takes back prod-approval, which blocks again; prod-approval still blocks (awaiting approval: 1/2)',
    ],
    [{ undoes: ['a', 'b'] }, 'takes back a and b, which block again'],
    [{}, 'changes no verdict'],
  ])('%o: %s', (effect, words) => {
    expect(effectWords(create(BallotEffectSchema, effect), [])).toBe(words);
  });
});

it('does not tell again what the vote leaves as it is', () => {
  const soak = { policyName: 'soak', reason: '14m left of 30m in staging' };
  const now = [soak, { policyName: 'prod-approval', reason: 'awaiting approval: 0/2' }].map((one) =>
    create(PolicyEvaluationSchema, one),
  );
  const words = (remaining: { policyName: string; reason: string }[]) =>
    effectWords(create(BallotEffectSchema, { remaining }), now);
  expect(words([soak, waits])).toBe(
    'prod-approval still blocks (awaiting approval: 1/2); soak blocks as before',
  );
  expect(words([soak, { ...waits, reason: 'awaiting approval: 0/2' }])).toBe('changes no verdict');
});
