import { expect, it } from 'vitest';
import { type ApprovalTally, tallyVotes } from '#domain/approval/tally.ts';
import { voteOf } from '#domain/testing/fixtures.ts';
import { approvalsOf, evaluateApproval } from './approval.ts';

const approval = (username: string, bypass = false) => voteOf(username, { bypass, role: 'admin' });

it.each<[string, ApprovalTally | null, boolean, string]>([
  ['a dry run', null, false, 'no release in context'],
  ['no votes', tallyVotes([], 2), false, 'awaiting approval: 0/2'],
  ['one of two', tallyVotes([approval('reviewer')], 2), false, 'awaiting approval: 1/2'],
  ['two of two', tallyVotes([approval('reviewer'), approval('reviewer-two')], 2), true, '2/2 approvals'],
  ['a bypass', tallyVotes([approval('reviewer'), approval('admin', true)], 2), true, 'bypassed by admin'],
  [
    'a bypass that was not needed',
    tallyVotes([approval('reviewer'), approval('admin', true)], 1),
    true,
    '1/1 approvals',
  ],
])('%s', (_, tally, passed, reason) => {
  expect(evaluateApproval(tally)).toEqual({ passed, reason, nextCheckAt: null });
});

it.each([
  ['awaiting approval: 1/2', { current: 1, required: 2 }],
  ['soaks for 5 min; awaiting approval: 0/1; awaiting approval: 0/2', { current: 0, required: 1 }],
  ['branch "awaiting approval: 9/9" is not allowed', null],
  ['', null],
])('the approvals in the reason "%s"', (reason, approvals) => expect(approvalsOf(reason)).toEqual(approvals));
