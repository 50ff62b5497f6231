import { expect, it } from 'vitest';
import type { Vote } from '#domain/approval/vote.ts';
import { buildOf, voteOf } from '#domain/testing/fixtures.ts';
import { evaluateGate, type PolicyFacts } from './evaluate.ts';
import { evaluateHold, type Hold, holdOn, type Rollback } from './hold.ts';

const hold: Hold = { moment: 10, username: 'admin', slug: '1.9', exempt: false };
const SINCE = 'admin rolled back to 1.9';
const now = new Date('2026-11-22T12:00:00Z');

it.each<[string, Partial<Hold>, Vote[], boolean, string]>([
  ['holds', {}, [], false, `on hold since ${SINCE}`],
  ['lets through what is exempt', { exempt: true }, [], true, `not held, although ${SINCE}`],
  [
    'lets through a later approval',
    {},
    [voteOf('reviewer', { moment: 11 })],
    true,
    `let through by reviewer after ${SINCE}`,
  ],
  [
    'lets through a later bypass',
    {},
    [voteOf('admin', { moment: 11, bypass: true, role: 'admin' })],
    true,
    `let through by admin after ${SINCE}`,
  ],
  ['ignores an earlier approval', {}, [voteOf('reviewer', { moment: 9 })], false, `on hold since ${SINCE}`],
  [
    'ignores votes that do not count',
    {},
    [
      voteOf('author', { moment: 11, isAuthor: true }),
      voteOf('former', { moment: 11, role: null }),
      voteOf('late', { moment: 11, outdated: 'given before they joined again' }),
      voteOf('against', { moment: 11, decision: 'rejected' }),
    ],
    false,
    `on hold since ${SINCE}`,
  ],
])('a hold %s', (_, change, votes, passed, reason) => {
  expect(evaluateHold({ ...hold, ...change }, votes)).toEqual({ passed, reason, nextCheckAt: null });
});

const rollback: Rollback = { ...hold, intentId: 'rollback', order: 2, holds: true };

it.each<
  [
    string,
    Partial<Rollback>[],
    [order: number, intentId: string, moment: number, byPerson: boolean],
    boolean | null,
  ]
>([
  ['a newer build', [{}], [3, 'own', 5, true], false],
  ['the build that was returned to', [{}], [2, 'own', 5, true], true],
  ['an older build', [{}], [1, 'own', 5, false], true],
  ['the rollback itself', [{ intentId: 'own' }], [3, 'own', 5, true], true],
  ['what a person requested later', [{}], [3, 'own', 11, true], true],
  ['what a service account requested later', [{}], [3, 'own', 11, false], false],
  ['a build, once it has ended', [{ holds: false }], [3, 'own', 5, true], null],
  [
    'a build, when it was the first of two that hold',
    [{ moment: 20, order: 1 }, {}],
    [2, 'own', 5, true],
    false,
  ],
  [
    'a build, when the later one has ended',
    [{}, { moment: 20, order: 1, holds: false }],
    [2, 'own', 5, true],
    true,
  ],
])(
  'whether a rollback lets through %s',
  (_, rollbacks, [order, intentId, requestedMoment, byPerson], exempt) => {
    const subject = { build: buildOf(order), intentId, requestedMoment };
    const held = holdOn(
      rollbacks.map((change) => ({ ...rollback, ...change })),
      subject,
      byPerson,
    );
    expect(held?.exempt ?? null).toBe(exempt);
  },
);

it('a hold closes a gate without policies, before them, and nobody has to approve it', () => {
  const facts: PolicyFacts = {
    branch: null,
    soaks: null,
    isReturn: false,
    hold,
    votes: null,
    matches: () => true,
  };
  expect(evaluateGate([], 'production', facts, now)).toMatchObject({
    passed: false,
    blockedByApproval: false,
    reason: `on hold since ${SINCE}`,
    evaluations: [{ policyId: '', policyName: 'Hold', type: 'hold', targetEnvironment: 'production' }],
  });
  expect(evaluateGate([], 'production', { ...facts, hold: { ...hold, exempt: true } }, now).passed).toBe(
    true,
  );
});
