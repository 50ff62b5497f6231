import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { PolicyFacts } from '#domain/policy/evaluate.ts';
import type { Policy, PolicyConfig } from '#domain/policy/policy.ts';
import { periodOf, voteOf as vote } from '#domain/testing/fixtures.ts';
import { isOpen } from '#domain/testing/gate-model.ts';
import { type Action, actions, setting, stateOf, USERS, withTimes } from '#domain/testing/gate-world.ts';
import { ballotEffect } from './effect.ts';
import type { Vote } from './vote.ts';

const now = new Date('2026-11-22T12:00:00Z');
const policy = (name: string, config: PolicyConfig): Policy => ({
  id: `id of ${name}`,
  name,
  enabled: true,
  targetEnvironment: config.targetEnvironment,
  config,
});
const approval = (name: string, requiredApprovals: number) =>
  policy(name, { type: 'approval', targetEnvironment: 'production', requiredApprovals });
const soak = policy('soak', {
  type: 'soak_time',
  sourceEnvironment: 'staging',
  targetEnvironment: 'production',
  durationSeconds: 1_800,
  newerBuildsCount: false,
});
const branch = policy('branch', {
  type: 'branch_restriction',
  targetEnvironment: 'production',
  branchPattern: '^release$',
});
const factsWith = (votes: readonly Vote[], soaked = false): PolicyFacts & { votes: readonly Vote[] } => {
  const since = new Date(soaked ? '2026-11-22T10:00:00Z' : '2026-11-22T11:50:00Z');
  return {
    branch: 'main',
    soaks: new Map([['staging', [{ destinationName: 'eu', periods: [periodOf(since)] }]]]),
    isReturn: false,
    hold: null,
    votes,
    matches: (pattern, text) => new RegExp(pattern).test(text),
  };
};
const effect = (policies: Policy[], facts: PolicyFacts & { votes: readonly Vote[] }, cast: Vote) =>
  ballotEffect(policies, 'production', facts, cast, now);

describe('ballotEffect', () => {
  it('completes an approval and opens the gate when nothing else blocks', () => {
    const facts = factsWith([vote('reviewer')], true);
    expect(effect([approval('two', 2), soak], facts, vote('reviewer-two'))).toEqual({
      completes: ['two'],
      opens: true,
      remaining: [],
      opensAt: null,
      undoes: [],
    });
  });

  it('gives the end of a remaining soak', () => {
    expect(effect([approval('one', 1), soak], factsWith([]), vote('reviewer'))).toEqual({
      completes: ['one'],
      opens: false,
      remaining: [
        {
          policyName: 'soak',
          type: 'soak_time',
          reason: expect.stringContaining('ends 2026-11-22T12:20:00Z'),
        },
      ],
      opensAt: new Date('2026-11-22T12:20:00Z'),
      undoes: [],
    });
  });

  it('gives no time when more than time is needed', () => {
    expect(effect([approval('three', 3), soak], factsWith([]), vote('reviewer'))).toMatchObject({
      completes: [],
      opens: false,
      remaining: [{ policyName: 'soak' }, { policyName: 'three', reason: 'awaiting approval: 1/3' }],
      opensAt: null,
    });
    expect(effect([approval('one', 1), soak, branch], factsWith([]), vote('reviewer'))).toMatchObject({
      completes: ['one'],
      remaining: [{ policyName: 'branch' }, { policyName: 'soak' }],
      opensAt: null,
    });
  });

  it('names what a rejection undoes', () => {
    const cast = vote('reviewer', { decision: 'rejected' });
    const facts = factsWith([vote('reviewer')], true);
    expect(effect([approval('one', 1), soak], facts, cast)).toMatchObject({
      completes: [],
      opens: false,
      remaining: [{ policyName: 'one', type: 'approval', reason: 'awaiting approval: 0/1' }],
      undoes: ['one'],
    });
    expect(effect([approval('one', 1)], factsWith([]), cast)).toMatchObject({ completes: [], undoes: [] });
  });

  it('a bypass completes every approval policy and no other', () => {
    const cast = vote('admin', { bypass: true, role: 'admin', isAuthor: true });
    expect(effect([approval('two', 2), approval('nine', 9), branch], factsWith([]), cast)).toMatchObject({
      completes: ['nine', 'two'],
      opens: false,
      remaining: [{ policyName: 'branch' }],
    });
  });

  it('does not open an open gate', () => {
    const facts = factsWith([vote('reviewer')]);
    expect(effect([approval('one', 1)], facts, vote('admin'))).toMatchObject({ completes: [], opens: false });
    expect(effect([{ ...approval('one', 1), enabled: false }], factsWith([]), vote('admin'))).toEqual({
      completes: [],
      opens: false,
      remaining: [],
      opensAt: null,
      undoes: [],
    });
  });

  it('predicts what the vote then does, for any history', () => {
    const seen = { opens: 0, later: 0, undoes: 0 };
    fc.assert(
      fc.property(
        actions,
        setting,
        fc.constantFrom(...USERS),
        fc.constantFrom('approve' as const, 'reject' as const, 'bypass' as const),
        (all, given, user, mark) => {
          const { log, now: at } = withTimes(all);
          const { policies, facts } = stateOf(log, given);
          const done: Action[] = [...all, { is: 'vote', user, mark }];
          const voted = stateOf(withTimes(done).log, given);
          const cast = voted.facts.votes?.find((one) => one.userId === user);
          if (!cast || !facts.votes) throw new Error('the vote is not there');
          const effect = ballotEffect(policies, 'production', { ...facts, votes: facts.votes }, cast, at);
          const openNow = isOpen(log, given, at);
          const openThen = isOpen(withTimes(done).log, given, at);
          expect(effect.opens).toBe(!openNow && openThen);
          expect(effect.remaining.length === 0).toBe(openThen);
          if (openNow && !openThen) expect(effect.undoes.length).toBeGreaterThan(0);
          if (effect.opens) expect(effect.completes.length).toBeGreaterThan(0);
          if (effect.opensAt !== null) {
            expect(isOpen(withTimes(done).log, given, effect.opensAt)).toBe(true);
            expect(isOpen(withTimes(done).log, given, new Date(effect.opensAt.getTime() - 1))).toBe(false);
          } else if (!openThen) {
            const nextYear = new Date(at.getTime() + 365 * 86_400_000);
            expect(isOpen(withTimes(done).log, given, nextYear)).toBe(false);
          }
          seen.opens += Number(effect.opens);
          seen.later += Number(effect.opensAt !== null);
          seen.undoes += Number(effect.undoes.length > 0);
        },
      ),
      { numRuns: 1_000 },
    );
    expect(Math.min(seen.opens, seen.later, seen.undoes)).toBeGreaterThan(0);
  });
});
