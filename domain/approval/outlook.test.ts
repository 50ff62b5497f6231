import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { voteOf } from '#domain/testing/fixtures.ts';
import { startedWith, USERS, type User } from '#domain/testing/gate-world.ts';
import { approvalOutlook, type Member } from './outlook.ts';
import { tallyVotes } from './tally.ts';
import type { Role, Vote } from './vote.ts';

const vote = (username: User, mark: 'approve' | 'reject' | 'bypass', role: Role | null = 'member'): Vote =>
  voteOf(username, {
    decision: mark === 'reject' ? 'rejected' : 'approved',
    bypass: mark === 'bypass',
    role,
    isAuthor: username === 'author',
  });
const member = (username: User): Member => ({ userId: username, username, role: startedWith(username) });
const all = USERS.map(member);
const outlook = (votes: readonly Vote[], required: number, members: readonly Member[] = all) => {
  const { missing, eligible } = approvalOutlook(
    tallyVotes(votes, required),
    members,
    new Set(['author', 'former-member']),
    required,
  );
  return { missing, eligible: eligible.map(({ username }) => username) };
};

describe('approvalOutlook', () => {
  it.each<[string, Vote[], number, number, string[]]>([
    ['no votes', [], 2, 2, ['reviewer', 'reviewer-two', 'admin']],
    ['one has approved', [vote('reviewer', 'approve')], 2, 1, ['reviewer-two', 'admin']],
    ['a rejection can be turned', [vote('reviewer', 'reject')], 1, 1, ['reviewer', 'reviewer-two', 'admin']],
    [
      'more than enough',
      [vote('reviewer', 'approve'), vote('admin', 'approve', 'admin')],
      1,
      0,
      ['reviewer-two'],
    ],
    ['a bypass that counts', [vote('admin', 'bypass', 'admin')], 3, 0, ['reviewer', 'reviewer-two', 'admin']],
    [
      'a bypass that no longer counts',
      [vote('admin', 'bypass', 'member')],
      3,
      3,
      ['reviewer', 'reviewer-two', 'admin'],
    ],
    [
      'the author’s vote does not count',
      [vote('author', 'approve')],
      1,
      1,
      ['reviewer', 'reviewer-two', 'admin'],
    ],
  ])('%s', (_, votes, required, missing, eligible) => {
    expect(outlook(votes, required)).toEqual({ missing, eligible });
  });

  it('ignores former members and their votes', () => {
    const rest = all.filter(({ username }) => username !== 'reviewer');
    expect(outlook([vote('reviewer', 'approve', null)], 1, rest)).toEqual({
      missing: 1,
      eligible: ['reviewer-two', 'admin'],
    });
  });

  it('is exact: the missing number of eligible approvals passes, one fewer does not', () => {
    const marks = fc.constantFrom('approve', 'reject', 'bypass', null);
    const roles = fc.constantFrom<Role | null>('member', 'admin', null);
    fc.assert(
      fc.property(
        fc.tuple(...USERS.map(() => fc.tuple(marks, roles))),
        fc.integer({ min: 1, max: 4 }),
        fc.shuffledSubarray([...USERS], { minLength: USERS.length }),
        (given, required, order) => {
          const roleOf = new Map(USERS.map((user, index) => [user, given[index]?.[1] ?? null]));
          const votes = USERS.flatMap((user, index) => {
            const mark = given[index]?.[0] ?? null;
            return mark === null ? [] : [vote(user, mark, roleOf.get(user) ?? null)];
          });
          const members = order.flatMap((user) => {
            const role = roleOf.get(user) ?? null;
            return role === null ? [] : [{ ...member(user), role }];
          });
          const tally = tallyVotes(votes, required);
          const { missing, eligible } = approvalOutlook(
            tally,
            members,
            new Set(['author', 'former-member']),
            required,
          );
          expect(missing === 0).toBe(tally.passed);
          const withApprovals = (count: number) => {
            const cast = eligible.slice(0, count).map(({ userId }) => {
              const user = userId as User;
              return { ...vote(user, 'approve', roleOf.get(user) ?? null) };
            });
            const others = votes.filter(({ userId }) => !cast.some((one) => one.userId === userId));
            return tallyVotes([...others, ...cast], required);
          };
          if (missing === 0) return;
          if (eligible.length >= missing) expect(withApprovals(missing).passed).toBe(true);
          expect(withApprovals(missing - 1).passed).toBe(false);
        },
      ),
      { numRuns: 300 },
    );
  });
});
