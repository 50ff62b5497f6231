// @vitest-environment jsdom
import { create } from '@bufbuild/protobuf';
import { Code, ConnectError } from '@connectrpc/connect';
import { useQuery } from '@connectrpc/connect-query';
import { act, screen, waitFor, within } from '@testing-library/react';
import userEvent from '@testing-library/user-event';
import { describe, expect, it } from 'vitest';
import {
  type ApproveReleaseRequest,
  type GetReleaseRequirementsResponse,
  GetReleaseRequirementsResponseSchema,
  PolicyService,
  PolicyType,
  type RejectReleaseRequest,
  type WithdrawVoteRequest,
} from '#src/gen/forest/v1/policies_pb.ts';
import { PipelineRunStageStatus, ReleaseIntentStatus } from '#src/gen/forest/v1/releases_pb.ts';
import { renderWithin } from '#src/testing/render-within.tsx';
import { requirementsInput } from './queries.ts';
import { RequirementsSection } from './requirements-section.tsx';

const release = { organisation: 'acme', project: 'checkout', releaseIntentId: 'intent' };
const reviewer = { userId: 'reviewer-id', username: 'reviewer' };
const allowed = { allowed: true };
const refused = { allowed: false, reason: 'The deployment to production has started' };
/** A deployment that has started everywhere. */
const started = { stageStatus: PipelineRunStageStatus.ACTIVE, canApprove: refused, canReject: refused };
const away = new ConnectError('the connection was refused', Code.Unavailable);

type VoteRequest = ApproveReleaseRequest | RejectReleaseRequest | WithdrawVoteRequest;

interface Permission {
  allowed: boolean;
  reason?: string;
}

interface Decision {
  userId: string;
  username: string;
  decision: string;
  bypass?: boolean;
  counted?: boolean;
  notCountedReason?: string;
  comment?: string | undefined;
}

interface Production {
  stageStatus?: PipelineRunStageStatus;
  canApprove?: Permission;
  canReject?: Permission;
  canBypass?: Permission;
  canWithdraw?: Permission;
  bypassEffect?: { opens: boolean };
  myDecision?: Decision;
  decisions?: Decision[];
}

interface Release {
  intentStatus?: ReleaseIntentStatus;
  isAdmin?: boolean;
  isReleaseAuthor?: boolean;
}

/** One approval policy that requires two approvals, and a branch rule that passed. */
function requirements(
  currentApprovals: number,
  { decisions = [], ...production }: Production = {},
  more: Release = {},
) {
  return create(GetReleaseRequirementsResponseSchema, {
    intentStatus: ReleaseIntentStatus.ACTIVE,
    ...more,
    environments: [
      {
        environment: 'production',
        stageId: 'production',
        stageStatus: PipelineRunStageStatus.AWAITING_APPROVAL,
        evaluations: [
          {
            policyName: 'two people',
            policyType: PolicyType.EXTERNAL_APPROVAL,
            reason: `awaiting approval: ${currentApprovals}/2`,
            approvalState: { requiredApprovals: 2, currentApprovals, decisions },
          },
          { policyName: 'main only', policyType: PolicyType.BRANCH_RESTRICTION, passed: true },
        ],
        canApprove: allowed,
        canReject: allowed,
        ...production,
      },
    ],
  });
}

/** A server in memory: what it answers now, the votes it received, and promises that delay its answers. */
class Gate {
  answer: GetReleaseRequirementsResponse;
  polls = 0;
  readonly votes: VoteRequest[] = [];
  /** What a vote does; the answer has the requirements after it. */
  onVote: (request: VoteRequest) => void | Promise<void> = () => {};
  /** Awaited by every poll before it answers with what was true when it arrived. */
  pollsWaitFor: Promise<void> = Promise.resolve();

  constructor(answer: GetReleaseRequirementsResponse) {
    this.answer = answer;
  }

  /** Makes a vote of the reviewer lead to this. */
  answerVotesWith(after: GetReleaseRequirementsResponse) {
    this.onVote = () => {
      this.answer = after;
    };
  }

  async vote(request: VoteRequest) {
    this.votes.push(request);
    await this.onVote(request);
    return { requirements: this.answer };
  }
}

function Panel() {
  const query = useQuery(PolicyService.method.getReleaseRequirements, requirementsInput(release));
  if (!query.data) return null;
  return (
    <RequirementsSection
      release={release}
      releaseName="Fix the tax (calm-otter)"
      identity="checkout 1.5.0 · main · c1b9a96"
      requirements={query.data}
    />
  );
}

/** Shows the requirements; `poll` asks for them as the page's poll does and waits for the answer. */
async function open(gate: Gate) {
  const view = renderWithin(<Panel />, ({ service }) => {
    service(PolicyService, {
      getReleaseRequirements: async () => {
        gate.polls += 1;
        const { answer } = gate;
        await gate.pollsWaitFor;
        return answer;
      },
      approveRelease: (request) => gate.vote(request),
      rejectRelease: (request) => gate.vote(request),
      withdrawVote: (request) => gate.vote(request),
    });
  });
  await screen.findByRole('region', { name: 'Policy Requirements' });
  return { ...view, poll: () => act(() => view.queryClient.refetchQueries()) };
}

function deferred() {
  let resolve: () => void = () => {};
  const promise = new Promise<void>((done) => {
    resolve = done;
  });
  return { promise, resolve };
}

const button = (name: string) => screen.queryByRole('button', { name });
/** Without **Review** of the bar, which only narrow windows show. */
const shownButtons = () => screen.queryAllByRole('button').filter((one) => !one.closest('[data-bar]'));
/** Without the key caps, which are not part of the names. */
const buttonNames = () => shownButtons().map((one) => one.textContent?.replace('Ctrl ⏎', ''));
const press = (name: string) => userEvent.click(screen.getByRole('button', { name }));
const comment = () => screen.getByLabelText<HTMLTextAreaElement>('Comment');
const count = () => screen.getByText(/^\d\/\d approvals$/).textContent;
const approved = (counted = 1) =>
  requirements(counted, { myDecision: { ...reviewer, decision: 'approved', counted: true } });

describe('a vote', () => {
  it('shows the requirements of its answer, without another request', async () => {
    const gate = new Gate(requirements(0));
    gate.answerVotesWith(approved());
    await open(gate);
    await press('Approve');
    await waitFor(() => expect(count()).toBe('1/2 approvals'));
    expect(screen.getByText(/^You this release/).textContent).toMatch(/^You approved this release/);
    expect(gate.polls).toBe(1);
  });

  it('is not undone by a poll that was sent before it and answered after it', async () => {
    const gate = new Gate(requirements(0));
    const slowPoll = deferred();
    gate.answerVotesWith(approved());
    const { queryClient } = await open(gate);
    gate.pollsWaitFor = slowPoll.promise;
    const polled = queryClient.refetchQueries();
    await waitFor(() => expect(gate.polls).toBe(2));
    await press('Approve');
    await waitFor(() => expect(count()).toBe('1/2 approvals'));
    slowPoll.resolve();
    await act(() => polled);
    expect(count()).toBe('1/2 approvals');
  });

  it('disables the buttons while it is sent, and none of them moves or sends a second vote', async () => {
    const gate = new Gate(requirements(0, { canBypass: allowed }, { isAdmin: true }));
    const { promise, resolve } = deferred();
    gate.onVote = async () => {
      await promise;
      gate.answer = approved();
    };
    await open(gate);
    await press('Approve');
    await waitFor(() => expect(button('Approve')?.getAttribute('aria-busy')).toBe('true'));
    for (const one of shownButtons()) expect(one.getAttribute('aria-disabled')).toBe('true');
    expect(buttonNames()).toEqual(['Approve', 'Reject', 'Bypass (Admin)']);
    for (const name of ['Approve', 'Reject', 'Bypass (Admin)']) await press(name);
    expect(screen.queryByRole('alertdialog')).toBeNull();
    resolve();
    await waitFor(() => expect(button('Approve')).toBeNull());
    expect(gate.votes).toHaveLength(1);
    // Its place is kept, so that the second click of a double click does not hit Reject.
    const [approve, reject] = screen.getAllByRole('button', { hidden: true });
    expect(approve?.style.visibility).toBe('hidden');
    expect(reject).toBe(button('Reject'));
  });

  it('that the server refuses keeps comment and focus, and loads what has changed', async () => {
    const gate = new Gate(requirements(0));
    gate.onVote = () => {
      gate.answer = requirements(1);
      throw new ConnectError('The deployment to production has started', Code.FailedPrecondition);
    };
    await open(gate);
    await userEvent.type(comment(), 'looks right');
    await press('Approve');
    expect((await screen.findByRole('alert')).textContent).toContain(
      'Your approval was not recorded: The deployment to production has started',
    );
    await waitFor(() => expect(count()).toBe('1/2 approvals'));
    expect(comment().value).toBe('looks right');
    expect(document.activeElement).toBe(button('Approve'));
    expect(button('Try again')).toBeNull();
    expect(screen.getByRole('alert').textContent).toContain('has started');
  });

  it('keeps the reason of a refusal that closes the vote', async () => {
    const gate = new Gate(requirements(0));
    gate.onVote = () => {
      gate.answer = requirements(0, started);
      throw new ConnectError('The deployment to production has started', Code.FailedPrecondition);
    };
    await open(gate);
    await press('Reject');
    await waitFor(() => expect(screen.queryAllByRole('button')).toEqual([]));
    expect(screen.getByRole('alert').textContent).toContain('Your rejection was not recorded');
    expect(screen.queryByLabelText('Comment')).toBeNull();
  });

  it('that cannot reach the server is not sent later, keeps the comment and offers Try again', async () => {
    const gate = new Gate(requirements(0));
    gate.onVote = () => {
      throw away;
    };
    const { poll } = await open(gate);
    await userEvent.type(comment(), 'looks right');
    await press('Approve');
    expect((await screen.findByRole('alert')).textContent).toBe(
      "Can't reach the server. Your approval hasn't been sent. Try again.",
    );
    await poll();
    expect(gate.votes).toHaveLength(1);
    expect(comment().value).toBe('looks right');
    gate.answerVotesWith(approved());
    await press('Try again');
    await waitFor(() => expect(count()).toBe('1/2 approvals'));
    expect(gate.votes[1]).toMatchObject({ comment: 'looks right' });
    expect(screen.queryByRole('alert')).toBeNull();
  });

  it('whose answer was lost is shown as given once a poll has it', async () => {
    const gate = new Gate(requirements(0));
    gate.onVote = () => {
      gate.answer = approved();
      throw away;
    };
    await open(gate);
    await press('Approve');
    await waitFor(() => expect(screen.getByText(/^You this release/).textContent).toMatch(/^You approved/));
    expect(screen.queryByRole('alert')).toBeNull();
  });

  it('sends the trimmed comment, clears it, shows the vote and keeps the focus nearby', async () => {
    const gate = new Gate(requirements(0));
    gate.answerVotesWith(
      requirements(0, { myDecision: { ...reviewer, decision: 'rejected', counted: true } }),
    );
    await open(gate);
    await userEvent.type(comment(), '  not yet ');
    await press('Reject');
    await waitFor(() => expect(button('Reject')).toBeNull());
    expect(gate.votes[0]).toMatchObject({ comment: 'not yet', targetEnvironment: 'production' });
    expect(comment().value).toBe('');
    expect(screen.getByText(/^You this release/).textContent).toMatch(/^You rejected this release/);
    expect(button('Approve')).not.toBeNull();
    expect(document.activeElement?.textContent).toBe('production');
  });

  it('is sent by Ctrl+Enter in the comment, and by no single key', async () => {
    const gate = new Gate(requirements(0));
    gate.answerVotesWith(approved());
    await open(gate);
    await userEvent.keyboard('arx{Enter} ');
    await userEvent.type(comment(), 'Read it.{Enter}And tried it.');
    expect(comment().value).toBe('Read it.\nAnd tried it.');
    expect(gate.votes).toEqual([]);
    await userEvent.keyboard('{Control>}{Enter}{/Control}');
    await waitFor(() => expect(count()).toBe('1/2 approvals'));
    expect(gate.votes).toEqual([expect.objectContaining({ comment: 'Read it.\nAnd tried it.' })]);
    // Already approved: the key does nothing more.
    await userEvent.type(comment(), '{Control>}{Enter}{/Control}');
    expect(gate.votes).toHaveLength(1);
    expect(document.activeElement).toBe(comment());
  });

  it('is not sent with a comment that is too long', async () => {
    const gate = new Gate(requirements(0));
    await open(gate);
    await userEvent.click(comment());
    await userEvent.paste('é'.repeat(2_001));
    await press('Approve');
    expect(screen.getByText(/must be at most 2,000 characters; this has 2,001/i)).not.toBeNull();
    expect(gate.votes).toEqual([]);
  });
});

describe('the withdrawal of a vote', () => {
  const withdrawable = (more: Partial<Decision> = {}) =>
    requirements(1, {
      canWithdraw: allowed,
      myDecision: { ...reviewer, decision: 'approved', counted: true, ...more },
    });

  it('takes the vote back, keeps the typed comment and offers both votes again', async () => {
    const gate = new Gate(withdrawable());
    gate.answerVotesWith(requirements(0));
    await open(gate);
    await userEvent.type(comment(), 'looked again');
    await press('Withdraw vote');
    await waitFor(() => expect(count()).toBe('0/2 approvals'));
    expect(gate.votes).toEqual([
      expect.objectContaining({ releaseIntentId: 'intent', targetEnvironment: 'production' }),
    ]);
    expect(gate.votes[0]).not.toHaveProperty('comment');
    expect(gate.polls).toBe(1);
    expect(screen.queryByText(/^You approved/)).toBeNull();
    expect(button('Withdraw vote')).toBeNull();
    expect(button('Approve')).not.toBeNull();
    expect(comment().value).toBe('looked again');
    expect(document.activeElement?.textContent).toBe('production');
  });

  it('is offered only where the server allows it', async () => {
    await open(new Gate(approved()));
    expect(button('Withdraw vote')).toBeNull();
  });

  it('disables every button while a vote is sent', async () => {
    const gate = new Gate(withdrawable());
    const { promise, resolve } = deferred();
    gate.onVote = () => promise;
    await open(gate);
    await press('Withdraw vote');
    await waitFor(() => expect(button('Withdraw vote')?.getAttribute('aria-busy')).toBe('true'));
    for (const one of shownButtons()) expect(one.getAttribute('aria-disabled')).toBe('true');
    await press('Reject');
    await press('Withdraw vote');
    resolve();
    await waitFor(() => expect(button('Withdraw vote')?.getAttribute('aria-busy')).toBeNull());
    expect(gate.votes).toHaveLength(1);
  });

  it('shows why the server refused it', async () => {
    const gate = new Gate(withdrawable());
    gate.onVote = () => {
      throw new ConnectError('The deployment to production has started', Code.FailedPrecondition);
    };
    await open(gate);
    await press('Withdraw vote');
    expect((await screen.findByRole('alert')).textContent).toContain(
      'Your withdrawal was not recorded: The deployment to production has started',
    );
  });

  it('leaves room to approve again after an approval that no longer counts', async () => {
    await open(new Gate(withdrawable({ counted: false })));
    expect(button('Approve')).not.toBeNull();
    expect(button('Withdraw vote')).not.toBeNull();
  });
});

describe('a poll', () => {
  it('keeps the typed comment, the focus and the elements, and announces a new count', async () => {
    const gate = new Gate(requirements(0));
    const { poll } = await open(gate);
    const field = comment();
    await userEvent.type(field, 'half a sen');
    gate.answer = requirements(1);
    await poll();
    await waitFor(() => expect(count()).toBe('1/2 approvals'));
    expect(comment()).toBe(field);
    expect(field.value).toBe('half a sen');
    expect(document.activeElement).toBe(field);
    await waitFor(() =>
      expect(document.querySelector('[aria-live=polite]')?.textContent).toBe('production: 1 of 2 approvals'),
    );
  });
});

describe('the server decides who may do what', () => {
  it.each([
    ['a reviewer', {}, {}, ['Approve', 'Reject']],
    [
      'an admin who is not the author',
      { canBypass: allowed },
      { isAdmin: true },
      ['Approve', 'Reject', 'Bypass (Admin)'],
    ],
    [
      'an admin author',
      { canApprove: { allowed: false, reason: 'own release' }, canBypass: allowed },
      { isAdmin: true, isReleaseAuthor: true },
      ['Reject', 'Bypass (Admin)'],
    ],
    [
      'an author',
      { canApprove: { allowed: false, reason: 'own release' }, canReject: { allowed: false } },
      { isReleaseAuthor: true },
      [],
    ],
    ['anyone once the stage has started', started, {}, []],
    [
      'a reviewer of a queued deployment',
      { stageStatus: PipelineRunStageStatus.ACTIVE },
      {},
      ['Approve', 'Reject'],
    ],
    ['anyone once the release has ended', {}, { intentStatus: ReleaseIntentStatus.CANCELLED }, []],
  ] as [string, Production, Release, string[]][])('%s', async (_who, production, more, buttons) => {
    await open(new Gate(requirements(0, production, more)));
    expect(buttonNames()).toEqual(buttons);
    const told = screen.queryByText('You cannot approve your own release.') !== null;
    expect(told).toBe(more.isReleaseAuthor === true);
  });

  it('explains votes that no longer count, marks bypasses and folds passed policies', async () => {
    const decisions = [
      { userId: 'a', username: 'former', decision: 'approved', notCountedReason: 'no longer a member' },
      {
        userId: 'b',
        username: 'admin',
        decision: 'approved',
        bypass: true,
        counted: true,
        comment: 'outage',
      },
    ];
    await open(new Gate(requirements(0, { decisions })));
    const [former, admin] = within(screen.getByRole('list', { name: 'Decisions' })).getAllByRole('listitem');
    expect(former?.textContent).toContain('no longer counts: no longer a member');
    expect(admin?.textContent).toMatch(/admin bypassed.*outage/);
    expect(screen.getByText('1/2 passed')).not.toBeNull();
    expect(screen.getByText('1 passed policy').closest('details')?.open).toBe(false);
  });
});

describe('the bypass dialog', () => {
  const forAdmin = () =>
    new Gate(requirements(1, { canBypass: allowed, bypassEffect: { opens: true } }, { isAdmin: true }));
  const openDialog = async () => {
    await userEvent.click(screen.getByRole('button', { name: 'Bypass (Admin)' }));
    return screen.findByRole('alertdialog', { name: 'Bypass approval?' });
  };

  it('names environment, release and what is skipped; Cancel and Escape change nothing', async () => {
    const gate = forAdmin();
    await open(gate);
    const dialog = await openDialog();
    expect(dialog.textContent).toContain('Fix the tax (calm-otter)');
    expect(dialog.textContent).toMatch(
      /This skips 1 of 2 approvals for production\..*branch rules and holds stay in force\..*Then production opens at once\./,
    );
    await userEvent.click(within(dialog).getByRole('button', { name: 'Cancel' }));
    expect(screen.queryByRole('alertdialog')).toBeNull();
    expect(document.activeElement).toBe(button('Bypass (Admin)'));
    await openDialog();
    await userEvent.keyboard('{Escape}');
    expect(screen.queryByRole('alertdialog')).toBeNull();
    expect(gate.votes).toEqual([]);
  });

  it('requires a reason, with the error at the field', async () => {
    const gate = forAdmin();
    await open(gate);
    const dialog = await openDialog();
    await userEvent.type(within(dialog).getByLabelText('Reason'), '   ');
    await userEvent.click(within(dialog).getByRole('button', { name: 'Bypass approval' }));
    const reason = within(dialog).getByLabelText('Reason');
    expect(reason.getAttribute('aria-invalid')).toBe('true');
    expect(document.activeElement).toBe(reason);
    expect(gate.votes).toEqual([]);
  });

  it('sends the reason as a bypass and closes', async () => {
    const gate = forAdmin();
    const mine = { ...reviewer, decision: 'approved', bypass: true, counted: true };
    gate.answerVotesWith(requirements(1, { canBypass: allowed, myDecision: mine }, { isAdmin: true }));
    await open(gate);
    const dialog = await openDialog();
    await userEvent.type(within(dialog).getByLabelText('Reason'), 'payments are down');
    await userEvent.click(within(dialog).getByRole('button', { name: 'Bypass approval' }));
    await waitFor(() => expect(screen.queryByRole('alertdialog')).toBeNull());
    expect(gate.votes[0]).toMatchObject({ forceBypass: true, comment: 'payments are down' });
    expect(screen.getByText(/^You this release/).textContent).toMatch(/^You bypassed this release/);
    expect(count()).toBe('1/2 approvals');
  });

  it('shows a refusal and keeps the reason', async () => {
    const gate = forAdmin();
    gate.onVote = () => {
      throw new ConnectError('Requires the admin role', Code.PermissionDenied);
    };
    await open(gate);
    const dialog = await openDialog();
    await userEvent.type(within(dialog).getByLabelText('Reason'), 'outage');
    await userEvent.click(within(dialog).getByRole('button', { name: 'Bypass approval' }));
    expect((await within(dialog).findByRole('alert')).textContent).toContain('Requires the admin role');
    expect(within(dialog).getByLabelText<HTMLTextAreaElement>('Reason').value).toBe('outage');
  });

  it('sends nothing after the release has ended', async () => {
    const gate = forAdmin();
    const { poll } = await open(gate);
    const dialog = await openDialog();
    gate.answer = requirements(1, {}, { isAdmin: true, intentStatus: ReleaseIntentStatus.CANCELLED });
    await poll();
    expect((await within(dialog).findByRole('alert')).textContent).toContain('This release has ended');
    expect(within(dialog).queryByRole('button', { name: 'Bypass approval' })).toBeNull();
    await userEvent.click(within(dialog).getByRole('button', { name: 'Cancel' }));
    expect(screen.queryByRole('alertdialog')).toBeNull();
    expect(gate.votes).toEqual([]);
  });
});
