import { expect, it } from 'vitest';
import { type ApprovalTally, tallyVotes } from '#domain/approval/tally.ts';
import type { Vote } from '#domain/approval/vote.ts';
import { evaluateApproval } from './approval.ts';

const approval = (username: string, bypass = false): Vote => ({
  userId: username,
  username,
  decision: 'approved',
  bypass,
  comment: null,
  decidedAt: new Date(0),
  role: 'admin',
  isAuthor: false,
});

it.each<[string, ApprovalTally | null, boolean, string]>([
  ['a dry run', null, false, 'no release in context'],
  ['nobody yet', tallyVotes([], 2), false, 'awaiting approval: 0/2'],
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
