import { describe, expect, it } from 'vitest';
import type { ReleaseStatus, StageStatus } from '#domain/release/stage.ts';
import { releaseTo, stageOf } from '#domain/testing/fixtures.ts';
import {
  type Ballot,
  type BallotFacts,
  ballotFacts,
  ballotPermissions,
  checkBallot,
  checkWithdrawal,
} from './ballot.ts';

const facts: BallotFacts = {
  environment: 'production',
  hasDeployStage: true,
  hasApprovalPolicy: true,
  stageStatus: 'AWAITING_APPROVAL',
  isOpenToVotes: true,
  intentStatus: 'ACTIVE',
  role: 'member',
  isAuthor: false,
};
const closed = (stageStatus: StageStatus) => ({ stageStatus, isOpenToVotes: false });
const approve: Ballot = { kind: 'approve', bypass: false, comment: '' };
const reject: Ballot = { kind: 'reject', bypass: false, comment: '' };
const bypass: Ballot = { kind: 'approve', bypass: true, comment: 'outage' };

describe('checkBallot accepts', () => {
  it.each<[string, Ballot, Partial<BallotFacts>]>([
    ["a member's approval", approve, {}],
    ["a member's rejection", reject, {}],
    ['a vote before the stage is reached', approve, { stageStatus: 'PENDING' }],
    ['a vote on a stage whose state is not known yet', approve, { stageStatus: null, isOpenToVotes: false }],
    ["an admin's approval", approve, { role: 'admin' }],
    ["an admin's bypass", bypass, { role: 'admin' }],
    ["an admin author's bypass", bypass, { role: 'admin', isAuthor: true }],
    ["an admin author's rejection", reject, { role: 'admin', isAuthor: true }],
  ])('%s', (_, ballot, change) => {
    expect(checkBallot(ballot, { ...facts, ...change })).toBeNull();
  });
});

describe('checkBallot rejects', () => {
  it.each<[string, Ballot, Partial<BallotFacts>, string, RegExp]>([
    [
      'row 5: not deployed there',
      approve,
      { hasDeployStage: false },
      'failed_precondition',
      /not deploy to production/,
    ],
    [
      'row 6: nothing to vote on',
      approve,
      { hasApprovalPolicy: false },
      'not_found',
      /no approval policy for production/,
    ],
    ['row 7: started', approve, closed('ACTIVE'), 'failed_precondition', /production has started/],
    ['row 7: succeeded', reject, closed('SUCCEEDED'), 'failed_precondition', /has succeeded/],
    ['row 7: failed', approve, closed('FAILED'), 'failed_precondition', /has failed/],
    ['row 7: cancelled', approve, closed('CANCELLED'), 'failed_precondition', /was cancelled/],
    [
      'row 7: intent cancelled',
      approve,
      { intentStatus: 'CANCELLED' },
      'failed_precondition',
      /release was cancelled/,
    ],
    [
      'row 7: intent failed',
      approve,
      { intentStatus: 'FAILED' },
      'failed_precondition',
      /release has failed/,
    ],
    ['row 8: bypass by a member', bypass, {}, 'permission_denied', /Only an admin/],
    ['a service account approves', approve, { role: 'service' }, 'permission_denied', /cannot vote/],
    ['a service account rejects', reject, { role: 'service' }, 'permission_denied', /cannot vote/],
    ['a service account bypasses', bypass, { role: 'service' }, 'permission_denied', /cannot vote/],
    [
      'a service account, whatever else is wrong',
      approve,
      { role: 'service', hasDeployStage: false },
      'permission_denied',
      /cannot vote/,
    ],
    ['row 8: bypass by the author', bypass, { isAuthor: true }, 'permission_denied', /Only an admin/],
    [
      'row 9: no reason',
      { ...bypass, comment: ' \n' },
      { role: 'admin' },
      'invalid_argument',
      /requires a reason/,
    ],
    [
      'row 9: a reason of zero-width spaces',
      { ...bypass, comment: '\u200b\u200b' },
      { role: 'admin' },
      'invalid_argument',
      /requires a reason/,
    ],
    [
      'row 10: own approval',
      approve,
      { isAuthor: true },
      'permission_denied',
      /^You cannot approve your own release\.$/,
    ],
    [
      'row 10: own approval, admin',
      approve,
      { isAuthor: true, role: 'admin' },
      'permission_denied',
      /cannot approve/,
    ],
    [
      'row 10: own rejection',
      reject,
      { isAuthor: true },
      'permission_denied',
      /cannot reject your own release/,
    ],
  ])('%s', (_, ballot, change, code, message) => {
    expect(checkBallot(ballot, { ...facts, ...change })).toMatchObject({
      code,
      message: expect.stringMatching(message),
    });
  });

  it('in the order of the table', () => {
    // Everything is wrong at once; then one row after the other is put right.
    let wrong: BallotFacts = {
      ...facts,
      hasDeployStage: false,
      hasApprovalPolicy: false,
      ...closed('ACTIVE'),
      isAuthor: true,
    };
    const unexplained: Ballot = { ...bypass, comment: '' };
    const code = (ballot: Ballot) => checkBallot(ballot, wrong)?.code;
    expect(code(unexplained)).toBe('failed_precondition');
    wrong = { ...wrong, hasDeployStage: true };
    expect(code(unexplained)).toBe('not_found');
    wrong = { ...wrong, hasApprovalPolicy: true };
    expect(code(unexplained)).toBe('failed_precondition');
    wrong = { ...wrong, stageStatus: 'PENDING', isOpenToVotes: true };
    expect(code(unexplained)).toBe('permission_denied');
    wrong = { ...wrong, role: 'admin' };
    expect(code(unexplained)).toBe('invalid_argument');
    expect(code(approve)).toBe('permission_denied');
    expect(code(bypass)).toBeUndefined();
  });

  it('names the field only for a missing comment', () => {
    expect(checkBallot({ ...bypass, comment: '' }, { ...facts, role: 'admin' })?.field).toBe('comment');
    expect(checkBallot(bypass, facts)?.field).toBeUndefined();
  });
});

describe('row 7: votes are open on a stage', () => {
  it.each<[string, StageStatus, ReleaseStatus[], boolean]>([
    ['that is not reached', 'PENDING', [], true],
    ['that waits', 'AWAITING_APPROVAL', [], true],
    ['that has been blocked again', 'AWAITING_APPROVAL', ['RUNNING', 'QUEUED'], true],
    ['with queued deliveries only', 'ACTIVE', ['QUEUED', 'QUEUED'], true],
    ['with some queued deliveries', 'ACTIVE', ['SUCCEEDED', 'RUNNING', 'QUEUED'], true],
    ['whose deliveries have all started', 'ACTIVE', ['ASSIGNED', 'RUNNING', 'FAILED'], false],
    ['that has ended', 'SUCCEEDED', ['SUCCEEDED'], false],
    ['that was superseded', 'CANCELLED', ['CANCELLED'], false],
  ])('%s', (_, status, statuses, open) => {
    const releases = statuses.map((each, index) => releaseTo(`east-${index}`, each));
    const kind = { type: 'deploy', environment: 'production' } as const;
    const stages = [
      stageOf('first', kind, { status: 'SUCCEEDED' }),
      stageOf('second', kind, { status, releases }),
      stageOf('staging', { ...kind, environment: 'staging' }),
    ];
    const release = {
      intent: { status: 'ACTIVE' as const },
      authors: new Set(['author']),
      stages,
      policies: [],
    };
    const given = ballotFacts(release, 'production', 'author', 'member');
    expect(given).toMatchObject({ stageStatus: status, isOpenToVotes: open, isAuthor: true });
    expect(checkBallot(reject, { ...given, hasApprovalPolicy: true, isAuthor: false }) === null).toBe(open);
  });
});

describe('ballotPermissions', () => {
  it.each<[string, Partial<BallotFacts>, { approve: boolean; reject: boolean; bypass: boolean }]>([
    ['a member', {}, { approve: true, reject: true, bypass: false }],
    ['the author', { isAuthor: true }, { approve: false, reject: false, bypass: false }],
    ['an admin', { role: 'admin' }, { approve: true, reject: true, bypass: true }],
    ['an admin author', { role: 'admin', isAuthor: true }, { approve: false, reject: true, bypass: true }],
    ['a service account', { role: 'service' }, { approve: false, reject: false, bypass: false }],
    [
      'an admin too late',
      { role: 'admin', ...closed('ACTIVE') },
      { approve: false, reject: false, bypass: false },
    ],
  ])('of %s', (_, change, expected) => {
    const { approve, reject, bypass } = ballotPermissions({ ...facts, ...change });
    expect({ approve: approve.allowed, reject: reject.allowed, bypass: bypass.allowed }).toEqual(expected);
    for (const { allowed, reason } of [approve, reject, bypass]) expect(reason === '').toBe(allowed);
  });

  it('gives the author the reason', () => {
    expect(ballotPermissions({ ...facts, isAuthor: true }).approve.reason).toBe(
      'You cannot approve your own release.',
    );
  });
});

describe('checkWithdrawal', () => {
  it.each<[string, Partial<BallotFacts>]>([
    ['a member', {}],
    ['an admin', { role: 'admin' }],
    ['who has become an author', { isAuthor: true }],
    ['before the stage is reached', { stageStatus: 'PENDING' }],
    ['while a delivery is queued', { stageStatus: 'ACTIVE', isOpenToVotes: true }],
  ])('lets %s withdraw a vote', (_, change) => {
    expect(checkWithdrawal(true, { ...facts, ...change })).toBeNull();
    expect(checkWithdrawal(false, { ...facts, ...change })).toMatchObject({ code: 'failed_precondition' });
  });

  it.each<[string, Partial<BallotFacts>, string, RegExp]>([
    ['nothing deployed there', { hasDeployStage: false }, 'failed_precondition', /not deploy/],
    ['nothing to vote on', { hasApprovalPolicy: false }, 'not_found', /no approval policy/],
    [
      'a started stage',
      { stageStatus: 'ACTIVE', isOpenToVotes: false },
      'failed_precondition',
      /has started/,
    ],
    ['an ended release', { intentStatus: 'CANCELLED' }, 'failed_precondition', /was cancelled/],
    ['a service account', { role: 'service' }, 'permission_denied', /cannot vote/],
  ])('refuses %s', (_, change, code, message) => {
    expect(checkWithdrawal(true, { ...facts, ...change })).toMatchObject({
      code,
      message: expect.stringMatching(message),
    });
  });
});
