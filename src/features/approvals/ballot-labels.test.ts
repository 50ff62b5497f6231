import { create, type MessageInitShape } from '@bufbuild/protobuf';
import { Code, ConnectError } from '@connectrpc/connect';
import { describe, expect, it } from 'vitest';
import {
  type BallotEffectSchema,
  EnvironmentRequirementsSchema,
  PolicyEvaluationSchema,
  PolicyType,
} from '#src/gen/forest/v1/policies_pb.ts';
import { PipelineRunStageStatus as Stage } from '#src/gen/forest/v1/releases_pb.ts';
import { approvalEffect, failureMessage, missingLabel, quoted, rejectionEffect } from './ballot-labels.ts';

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

const waits = {
  policyName: 'prod-approval',
  policyType: PolicyType.EXTERNAL_APPROVAL,
  reason: 'awaiting approval: 1/2',
};
const soak = { policyName: 'soak', policyType: PolicyType.SOAK_TIME, reason: '1h left' };
const branch = { policyName: 'main-only', policyType: PolicyType.BRANCH_RESTRICTION, reason: 'no' };

describe('what an approval would do', () => {
  it.each<[MessageInitShape<typeof BallotEffectSchema>, string]>([
    [{ completes: ['one'], opens: true }, 'Your approval completes this policy; production opens at once.'],
    [
      { completes: ['one', 'two'], opens: true },
      'Your approval completes these policies; production opens at once.',
    ],
    [
      { completes: ['one'], opensAt: '2026-03-01T18:00:00Z', remaining: [soak] },
      'Your approval completes this policy; production opens when the soak ends at 2026-03-01T18:00:00Z.',
    ],
    [{ remaining: [waits] }, 'Your approval is 1 of 2.'],
    [{ remaining: [waits, branch] }, 'Your approval is 1 of 2; main-only still blocks.'],
    [
      { completes: ['one'], remaining: [branch] },
      'Your approval completes this policy; main-only still blocks.',
    ],
    [{}, 'Your approval is recorded.'],
  ])('%o: %s', (approveEffect, label) => {
    const environment = { environment: 'production', stageStatus: Stage.AWAITING_APPROVAL, approveEffect };
    expect(approvalEffect(create(EnvironmentRequirementsSchema, environment))).toBe(label);
  });

  it('names the end of a soak that the release also waits for', () => {
    const environment = create(EnvironmentRequirementsSchema, {
      environment: 'production',
      evaluations: [{ policyType: PolicyType.SOAK_TIME, nextCheckAt: '2026-03-01T18:00:00Z' }],
      approveEffect: { remaining: [waits, soak] },
    });
    expect(approvalEffect(environment)).toBe(
      'Your approval is 1 of 2; production also waits for the soak until 2026-03-01T18:00:00Z.',
    );
  });

  it('opens a stage that is not reached later', () => {
    const environment = create(EnvironmentRequirementsSchema, {
      environment: 'production',
      stageStatus: Stage.PENDING,
      approveEffect: { completes: ['one'], opens: true },
    });
    expect(approvalEffect(environment)).toBe(
      'Your approval completes this policy; production opens once the stages before it are done.',
    );
  });

  it('says nothing to somebody who may not approve', () => {
    expect(approvalEffect(create(EnvironmentRequirementsSchema))).toBeUndefined();
  });
});

it('says what a rejection would do', () => {
  expect(rejectionEffect({ undoes: [] })).toBe('A rejection is shown to everyone. It does not block.');
  expect(rejectionEffect({ undoes: ['a', 'b'] })).toBe(
    'A rejection replaces your approval: a and b block again.',
  );
});

it('quotes the first line of a comment, shortened', () => {
  expect(quoted(undefined)).toBe('');
  expect(quoted('  \n')).toBe('');
  expect(quoted('Wrong totals.\nSee staging.')).toBe(': “Wrong totals.”');
  expect(quoted('x'.repeat(101))).toBe(`: “${'x'.repeat(100)}…”`);
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
