import { create } from '@bufbuild/protobuf';
import { describe, expect, test } from 'vitest';
import { type PendingApproval, PendingApprovalSchema } from '#src/gen/forest/v1/policies_pb.ts';
import {
  type CastVote,
  isOpen,
  keyOf,
  type Line,
  linesOf,
  moved,
  outcomeWords,
  shownCount,
  titleOf,
} from './triage-lines.ts';

const approval = (
  id: string,
  over: Partial<Pick<PendingApproval, 'title' | 'slug' | 'myDecision'>> = {},
): PendingApproval =>
  create(PendingApprovalSchema, {
    releaseIntentId: id,
    environment: 'production',
    title: `Build ${id}`,
    currentApprovals: 1,
    requiredApprovals: 2,
    waitingSince: `2026-11-0${id}T10:00:00Z`,
    ...over,
  });

const vote = (of: PendingApproval, over: Partial<CastVote> = {}): CastVote => ({
  approval: of,
  decision: 'approved',
  comment: '',
  state: 'sending',
  ...over,
});

const votes = (...cast: CastVote[]) => new Map(cast.map((one) => [keyOf(one.approval), one]));
const lineOf = (cast?: CastVote, of = approval('1')): Line => ({
  key: keyOf(of),
  approval: of,
  vote: cast,
  gone: false,
});

describe('the lines', () => {
  const [one, two, three] = [approval('1'), approval('2'), approval('3')];

  test('are what the server lists, each with the vote on it', () => {
    const lines = linesOf([one, two], votes(vote(two)));
    expect(lines.map(({ key, vote, gone }) => [key, vote?.state, gone])).toEqual([
      ['1/production', undefined, false],
      ['2/production', 'sending', false],
    ]);
  });

  test('keep a refused vote where it stood when the server lists it no longer, and no other vote', () => {
    const cast = votes(
      vote(two, { state: 'refused', words: 'it has ended' }),
      vote(approval('4'), { state: 'recorded' }),
    );
    expect(linesOf([one, three], cast).map(({ key, gone }) => [key, gone])).toEqual([
      ['1/production', false],
      ['2/production', true],
      ['3/production', false],
    ]);
    expect(linesOf([], cast).map(({ key }) => key)).toEqual(['2/production']);
  });
});

describe('the count', () => {
  test.each([
    ['nobody voted here', undefined, 1],
    ['an approval on its way', vote(approval('1')), 2],
    ['a rejection on its way', vote(approval('1'), { decision: 'rejected' }), 1],
    ['the server knows better', vote(approval('1'), { state: 'recorded', counted: 3 }), 3],
    ['a refused approval is taken back', vote(approval('1'), { state: 'refused' }), 1],
  ])('%s', (_, cast, count) => {
    expect(shownCount(lineOf(cast))).toBe(count);
  });

  test('does not move by an approval that was in it already', () => {
    const mine = approval('1', { myDecision: 'approved' });
    expect(shownCount(lineOf(vote(mine), mine))).toBe(1);
  });
});

test('a line is open for a vote until one is on its way, and again after a refusal', () => {
  expect(isOpen(lineOf())).toBe(true);
  expect(isOpen(lineOf(vote(approval('1'))))).toBe(false);
  expect(isOpen(lineOf(vote(approval('1'), { state: 'recorded' })))).toBe(false);
  expect(isOpen(lineOf(vote(approval('1'), { state: 'refused' })))).toBe(true);
  expect(isOpen({ ...lineOf(vote(approval('1'), { state: 'refused' })), gone: true })).toBe(false);
});

test.each([
  [-1, 1, 3, 0],
  [-1, -1, 3, 2],
  [0, -1, 3, 0],
  [0, 1, 3, 1],
  [2, 1, 3, 2],
] as const)('from line %i by %i of %i lines: %i', (from, step, count, to) => {
  expect(moved(from, step, count)).toBe(to);
});

test('a title is its first line, or the slug', () => {
  expect(titleOf(approval('1', { title: 'First\nsecond' }))).toBe('First');
  expect(titleOf(approval('1', { title: ' \n', slug: 'calm-otter' }))).toBe('calm-otter');
});

test.each([
  [[vote(approval('1'), { state: 'recorded' })], 'You approved “Build 1” for production.', false],
  [
    [vote(approval('1'), { state: 'refused', decision: 'rejected' })],
    'Your rejection of “Build 1” for production was not recorded.',
    true,
  ],
  [
    [vote(approval('1'), { state: 'recorded' }), vote(approval('2'), { state: 'recorded' })],
    '2 approvals recorded.',
    false,
  ],
  [
    [vote(approval('1'), { state: 'recorded' }), vote(approval('2'), { state: 'refused' })],
    '1 of 2 approvals was not recorded; each says why at its line.',
    true,
  ],
] as const)('what came of it: %#', (cast, words, failed) => {
  expect(outcomeWords(cast)).toEqual({ words, failed });
});
