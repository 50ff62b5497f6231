import { describe, expect, it } from 'vitest';
import { voteOf as vote } from '#domain/testing/fixtures.ts';
import { tallyVotes } from './tally.ts';
import type { Vote } from './vote.ts';

const reviewer = vote('reviewer');
const reviewerTwo = vote('reviewer-two');
const bypass = vote('admin', { role: 'admin', bypass: true, comment: 'outage' });

describe('tallyVotes', () => {
  it.each<[string, Vote[], number, { current: number; passed: boolean; bypassBy: string | null }]>([
    ['no votes', [], 1, { current: 0, passed: false, bypassBy: null }],
    ['one of two', [reviewer], 2, { current: 1, passed: false, bypassBy: null }],
    ['two of two', [reviewer, reviewerTwo], 2, { current: 2, passed: true, bypassBy: null }],
    ['two of one', [reviewer, reviewerTwo], 1, { current: 2, passed: true, bypassBy: null }],
    [
      'a rejection takes nothing away',
      [reviewer, vote('reviewer-two', { decision: 'rejected' })],
      1,
      { current: 1, passed: true, bypassBy: null },
    ],
    [
      'the author does not count',
      [vote('author', { isAuthor: true }), reviewer],
      2,
      { current: 1, passed: false, bypassBy: null },
    ],
    [
      'an admin author does not count either',
      [vote('admin', { isAuthor: true, role: 'admin' })],
      1,
      { current: 0, passed: false, bypassBy: null },
    ],
    [
      'who has left does not count',
      [vote('reviewer', { role: null })],
      1,
      { current: 0, passed: false, bypassBy: null },
    ],
    ['a bypass passes and is not counted', [bypass], 100, { current: 0, passed: true, bypassBy: 'admin' }],
    [
      "an admin author's bypass counts",
      [{ ...bypass, isAuthor: true }],
      1,
      { current: 0, passed: true, bypassBy: 'admin' },
    ],
    [
      'a bypass of who is no longer an admin is not even an approval',
      [{ ...bypass, role: 'member' }],
      1,
      { current: 0, passed: false, bypassBy: null },
    ],
    [
      'a bypass of who has left falls',
      [{ ...bypass, role: null }],
      1,
      { current: 0, passed: false, bypassBy: null },
    ],
    ['a bypass beside an approval', [reviewer, bypass], 2, { current: 1, passed: true, bypassBy: 'admin' }],
    [
      'a rejection is no bypass, whatever its mark',
      [{ ...bypass, decision: 'rejected' }],
      1,
      { current: 0, passed: false, bypassBy: null },
    ],
    ['nought required is never reached', [reviewer], 0, { current: 1, passed: false, bypassBy: null }],
    [
      'a number that is none is never reached',
      [reviewer],
      Number.NaN,
      { current: 1, passed: false, bypassBy: null },
    ],
    [
      'one voice each, even if handed in twice',
      [reviewer, { ...reviewer, decidedAt: new Date('2026-11-22T12:05:00Z') }],
      2,
      { current: 1, passed: false, bypassBy: null },
    ],
    [
      'the later vote is the current one, whatever the order',
      [{ ...reviewer, decision: 'rejected', decidedAt: new Date('2026-11-22T12:05:00Z') }, reviewer],
      1,
      { current: 0, passed: false, bypassBy: null },
    ],
  ])('%s', (_, votes, required, { current, passed, bypassBy }) => {
    const tally = tallyVotes(votes, required);
    expect({
      current: tally.current,
      passed: tally.passed,
      bypassBy: tally.bypass?.username ?? null,
    }).toEqual({
      current,
      passed,
      bypassBy,
    });
  });

  it('gives for every vote whether it counts and why not, in the order given', () => {
    const votes = [
      reviewer,
      vote('reviewer-two', { decision: 'rejected' }),
      vote('author', { isAuthor: true, decision: 'rejected' }),
      vote('former', { role: null }),
      { ...bypass, role: 'member' as const },
      { ...bypass, userId: 'other', username: 'other-admin' },
    ];
    const { decisions } = tallyVotes(votes, 1);
    expect(
      decisions.map(({ username, counted, notCountedReason }) => [username, counted, notCountedReason]),
    ).toEqual([
      ['reviewer', true, null],
      ['reviewer-two', true, null],
      ['author', false, 'by an author of the release'],
      ['former', false, 'no longer a member'],
      ['admin', false, 'no longer an admin'],
      ['other-admin', true, null],
    ]);
    expect(decisions[0]).toMatchObject(reviewer);
  });
});
