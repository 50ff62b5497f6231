// @vitest-environment jsdom
import { create, type MessageInitShape } from '@bufbuild/protobuf';
import { Code, ConnectError, createRouterTransport } from '@connectrpc/connect';
import { TransportProvider, useQuery } from '@connectrpc/connect-query';
import { QueryClientProvider } from '@tanstack/react-query';
import { act, cleanup, render, screen, waitFor, within } from '@testing-library/react';
import userEvent from '@testing-library/user-event';
import { afterEach, describe, expect, it } from 'vitest';
import {
  type ApproveReleaseRequest,
  ApproveReleaseResponseSchema,
  type GetReleaseRequirementsResponse,
  GetReleaseRequirementsResponseSchema,
  PolicyService,
  PolicyType,
  type RejectReleaseRequest,
} from '#src/gen/forest/v1/policies_pb.ts';
import { PipelineRunStageStatus, ReleaseIntentStatus } from '#src/gen/forest/v1/releases_pb.ts';
import { createQueryClient } from '#src/lib/query-client.ts';
import { requirementsInput } from './queries.ts';
import { requirementsPolling } from './requirements-polling.ts';
import { RequirementsSection } from './requirements-section.tsx';
import { useIsVoting } from './use-vote.ts';

const release = { organisation: 'acme', project: 'checkout', releaseIntentId: 'intent' };
const reviewer = { userId: 'reviewer-id', username: 'reviewer' };
const pollEvery = 15;
const allowed = { allowed: true };

type Answer = MessageInitShape<typeof ApproveReleaseResponseSchema>;
type VoteRequest = ApproveReleaseRequest | RejectReleaseRequest;

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
  myDecision?: Decision;
  decisions?: Decision[];
}

interface Release {
  intentStatus?: ReleaseIntentStatus;
  isAdmin?: boolean;
  isReleaseAuthor?: boolean;
}

/** One approval policy that wants two people, and a branch rule that passed. */
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

/** A server in memory: what it answers now, what it was asked, and a way to hold its answers back. */
class Gate {
  answer: GetReleaseRequirementsResponse;
  polls = 0;
  readonly votes: VoteRequest[] = [];
  vote: (request: VoteRequest) => Promise<Answer> | Answer = () => ({
    state: {
      requiredApprovals: 2,
      currentApprovals: 1,
      decisions: [{ ...reviewer, decision: 'approved', counted: true }],
    },
  });
  /** Awaited by every poll before it answers with what was true when it was asked. */
  pollsWaitFor: Promise<void> = Promise.resolve();

  constructor(answer: GetReleaseRequirementsResponse) {
    this.answer = answer;
  }

  readonly transport = createRouterTransport(({ service }) => {
    const vote = async (request: VoteRequest) => {
      this.votes.push(request);
      return create(ApproveReleaseResponseSchema, await this.vote(request));
    };
    service(PolicyService, {
      getReleaseRequirements: async () => {
        this.polls += 1;
        const { answer } = this;
        await this.pollsWaitFor;
        return answer;
      },
      approveRelease: vote,
      rejectRelease: async (request) => ({ state: (await vote(request)).state }),
    });
  });
}

/** What the page does with the requirements, polling faster than people would want. */
function Panel({ voter }: { readonly voter: typeof reviewer }) {
  const polling = requirementsPolling(useIsVoting(release.releaseIntentId));
  const query = useQuery(PolicyService.method.getReleaseRequirements, requirementsInput(release), {
    ...polling,
    refetchInterval: pollEvery,
  });
  if (!query.data) return null;
  return (
    <RequirementsSection
      release={release}
      releaseName="Fix the tax (calm-otter)"
      requirements={query.data}
      voter={voter}
    />
  );
}

async function open(gate: Gate, voter = reviewer) {
  const view = render(
    <TransportProvider transport={gate.transport}>
      <QueryClientProvider client={createQueryClient()}>
        <Panel voter={voter} />
      </QueryClientProvider>
    </TransportProvider>,
  );
  await screen.findByRole('region', { name: 'Policy Requirements' });
  return view;
}

function holdable() {
  let release: () => void = () => {};
  const held = new Promise<void>((resolve) => {
    release = resolve;
  });
  return { held, release };
}

const pause = (milliseconds: number) => act(() => new Promise((done) => setTimeout(done, milliseconds)));
const button = (name: string) => screen.queryByRole('button', { name });
const count = () => screen.getByText(/^\d\/\d approvals$/).textContent;

/** Every count that stood on the screen, in order, without repetitions. */
function watchCounts(container: HTMLElement): string[] {
  const seen: string[] = [];
  const note = () => {
    const shown = container.textContent?.match(/\d\/\d approvals/)?.[0] ?? 'none';
    if (seen.at(-1) !== shown) seen.push(shown);
  };
  note();
  new MutationObserver(note).observe(container, { childList: true, subtree: true, characterData: true });
  return seen;
}

afterEach(cleanup);

describe('a vote', () => {
  it('shows at once, while polls say otherwise, and stays when the server agrees', async () => {
    const gate = new Gate(requirements(0));
    const { held, release: answer } = holdable();
    gate.vote = async () => {
      await held;
      gate.answer = requirements(1, { myDecision: { ...reviewer, decision: 'approved', counted: true } });
      return { state: { requiredApprovals: 2, currentApprovals: 1 } };
    };
    const { container } = await open(gate);
    const seen = watchCounts(container);
    await userEvent.click(screen.getByRole('button', { name: 'Approve' }));
    await waitFor(() => expect(count()).toBe('1/2 approvals'));
    await pause(pollEvery * 6);
    answer();
    await waitFor(() => expect(button('Approve')).toBeNull());
    await pause(pollEvery * 6);
    expect(button('Reject')).not.toBeNull();
    expect(seen).toEqual(['0/2 approvals', '1/2 approvals']);
  });

  it('is not undone by a poll that was asked before it and answered after', async () => {
    const gate = new Gate(requirements(0));
    const slowPoll = holdable();
    const slowVote = holdable();
    gate.vote = async () => {
      await slowVote.held;
      gate.answer = requirements(1);
      return { state: { requiredApprovals: 2, currentApprovals: 1 } };
    };
    const { container } = await open(gate);
    gate.pollsWaitFor = slowPoll.held;
    const asked = gate.polls;
    await waitFor(() => expect(gate.polls).toBeGreaterThan(asked));
    const seen = watchCounts(container);
    await userEvent.click(screen.getByRole('button', { name: 'Approve' }));
    await waitFor(() => expect(count()).toBe('1/2 approvals'));
    slowPoll.release();
    await pause(pollEvery * 4);
    slowVote.release();
    await pause(pollEvery * 4);
    expect(seen).toEqual(['0/2 approvals', '1/2 approvals']);
  });

  it('stops the polls while it is on its way and starts them again', async () => {
    const gate = new Gate(requirements(0));
    const { held, release: answer } = holdable();
    gate.vote = async () => {
      await held;
      return {};
    };
    await open(gate);
    await userEvent.click(screen.getByRole('button', { name: 'Approve' }));
    await waitFor(() => expect(count()).toBe('1/2 approvals'));
    const asked = gate.polls;
    await pause(pollEvery * 5);
    expect(gate.polls).toBe(asked);
    answer();
    await waitFor(() => expect(gate.polls).toBeGreaterThan(asked + 1));
  });

  it('is taken back with words when the server refuses; comment and focus stay', async () => {
    const gate = new Gate(requirements(0));
    const { held, release: letPollsAnswer } = holdable();
    gate.vote = () => {
      // From here on no poll can put the count right: the page has to take the vote back itself.
      gate.pollsWaitFor = held;
      throw new ConnectError('the deployment to production has started', Code.FailedPrecondition);
    };
    await open(gate);
    await userEvent.type(screen.getByLabelText('Comment'), 'looks right');
    await userEvent.click(screen.getByRole('button', { name: 'Approve' }));
    expect((await screen.findByRole('alert')).textContent).toContain(
      'Your approval was not recorded: the deployment to production has started',
    );
    expect(count()).toBe('0/2 approvals');
    expect(screen.queryByText(/You approved/)).toBeNull();
    expect(screen.getByLabelText<HTMLTextAreaElement>('Comment').value).toBe('looks right');
    expect(document.activeElement).toBe(button('Approve'));
    letPollsAnswer();
    await pause(pollEvery * 4);
    expect(screen.getByRole('alert').textContent).toContain('has started');
  });

  it('keeps the words of a refusal when the reason for it closes the vote', async () => {
    const gate = new Gate(requirements(0));
    gate.vote = () => {
      gate.answer = requirements(0, { stageStatus: PipelineRunStageStatus.ACTIVE });
      throw new ConnectError('the deployment to production has started', Code.FailedPrecondition);
    };
    await open(gate);
    await userEvent.click(screen.getByRole('button', { name: 'Reject' }));
    await waitFor(() => expect(screen.queryAllByRole('button')).toEqual([]));
    expect(screen.getByRole('alert').textContent).toContain('Your rejection was not recorded');
    expect(screen.queryByLabelText('Comment')).toBeNull();
  });

  it('sends the comment, then empties it, says what the vote was, and keeps the focus nearby', async () => {
    const gate = new Gate(requirements(0));
    gate.vote = (request) => {
      const mine = { ...reviewer, decision: 'rejected', counted: true, comment: request.comment };
      gate.answer = requirements(0, { myDecision: mine });
      return { state: { requiredApprovals: 2, decisions: [mine] } };
    };
    await open(gate);
    await userEvent.type(screen.getByLabelText('Comment'), '  not yet ');
    await userEvent.click(screen.getByRole('button', { name: 'Reject' }));
    await waitFor(() => expect(button('Reject')).toBeNull());
    expect(gate.votes[0]).toMatchObject({ comment: 'not yet', targetEnvironment: 'production' });
    expect(screen.getByLabelText<HTMLTextAreaElement>('Comment').value).toBe('');
    expect(screen.getByText(/^You/).textContent).toMatch(/^You rejected this release/);
    expect(button('Approve')).not.toBeNull();
    await waitFor(() => expect(document.activeElement?.textContent).toBe('production'));
  });

  it('that is held back waits for who gave it, and is not sent as that of who signs in next', async () => {
    const gate = new Gate(requirements(0));
    gate.vote = () => {
      throw new ConnectError('the server is away', Code.Unavailable);
    };
    const { unmount } = await open(gate);
    await userEvent.click(screen.getByRole('button', { name: 'Approve' }));
    await screen.findByRole('button', { name: 'Do not send it' });
    unmount();
    gate.vote = () => ({});
    const other = await open(gate, { userId: 'other-id', username: 'other' });
    const asked = gate.polls;
    await waitFor(() => expect(gate.polls).toBeGreaterThan(asked + 3));
    expect(button('Do not send it')).toBeNull();
    expect(gate.votes).toHaveLength(1);
    other.unmount();
    await open(gate);
    await waitFor(() => expect(gate.votes).toHaveLength(2));
  });

  it('is not sent with a comment that is too long', async () => {
    const gate = new Gate(requirements(0));
    await open(gate);
    const comment = screen.getByLabelText('Comment');
    await userEvent.click(comment);
    await userEvent.paste('é'.repeat(2_001));
    await userEvent.click(screen.getByRole('button', { name: 'Approve' }));
    expect(screen.getByText(/At most 2,000 characters; this has 2,001/)).not.toBeNull();
    expect(gate.votes).toEqual([]);
  });
});

describe('polls', () => {
  it('keep the typed comment, the focus and the elements themselves, and announce a new count', async () => {
    const gate = new Gate(requirements(0));
    await open(gate);
    const comment = screen.getByLabelText<HTMLTextAreaElement>('Comment');
    await userEvent.type(comment, 'half a sen');
    gate.answer = requirements(1);
    await waitFor(() => expect(count()).toBe('1/2 approvals'));
    expect(screen.getByLabelText('Comment')).toBe(comment);
    expect(comment.value).toBe('half a sen');
    expect(document.activeElement).toBe(comment);
    await waitFor(() =>
      expect(document.querySelector('[aria-live=polite]')?.textContent).toBe('production: 1 of 2 approvals'),
    );
  });

  it('that change nothing change nothing on the screen', async () => {
    const gate = new Gate(requirements(1));
    const { container } = await open(gate);
    const changes: MutationRecord[] = [];
    new MutationObserver((records) => changes.push(...records)).observe(container, {
      childList: true,
      subtree: true,
      characterData: true,
      attributes: true,
    });
    const asked = gate.polls;
    await waitFor(() => expect(gate.polls).toBeGreaterThan(asked + 3));
    expect(changes).toEqual([]);
  });
});

describe('who may do what is the server’s answer', () => {
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
    ['anybody once the stage has started', { stageStatus: PipelineRunStageStatus.ACTIVE }, {}, []],
    ['anybody once the release has ended', {}, { intentStatus: ReleaseIntentStatus.CANCELLED }, []],
  ] as [string, Production, Release, string[]][])('%s', async (_who, production, more, buttons) => {
    await open(new Gate(requirements(0, production, more)));
    expect(screen.queryAllByRole('button').map((one) => one.textContent)).toEqual(buttons);
    const ownRelease = more.isReleaseAuthor === true && !more.isAdmin;
    expect(screen.queryByText('You cannot approve your own release.') !== null).toBe(ownRelease);
  });

  it('a vote that no longer counts says so, a bypass is called one, and passed policies are folded', async () => {
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
  const forAdmin = () => new Gate(requirements(1, { canBypass: allowed }, { isAdmin: true }));
  const openDialog = async () => {
    await userEvent.click(screen.getByRole('button', { name: 'Bypass (Admin)' }));
    return screen.findByRole('alertdialog', { name: 'Bypass approval?' });
  };

  it('names environment, release and what is skipped, and changes nothing on Cancel and Escape', async () => {
    const gate = forAdmin();
    await open(gate);
    const dialog = await openDialog();
    expect(dialog.textContent).toContain('Fix the tax (calm-otter)');
    expect(dialog.textContent).toContain(
      '1 of 2 approvals for production; soak time and branch rules stay in force',
    );
    await userEvent.click(within(dialog).getByRole('button', { name: 'Cancel' }));
    expect(screen.queryByRole('alertdialog')).toBeNull();
    expect(document.activeElement).toBe(button('Bypass (Admin)'));
    await openDialog();
    await userEvent.keyboard('{Escape}');
    expect(screen.queryByRole('alertdialog')).toBeNull();
    expect(gate.votes).toEqual([]);
  });

  it('wants a reason, at the field, and sends nothing without one', async () => {
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
    gate.vote = (request) => {
      const mine = {
        ...reviewer,
        decision: 'approved',
        bypass: true,
        counted: true,
        comment: request.comment,
      };
      gate.answer = requirements(1, { canBypass: allowed, myDecision: mine }, { isAdmin: true });
      return { state: { requiredApprovals: 2, currentApprovals: 1, decisions: [mine] } };
    };
    await open(gate);
    const dialog = await openDialog();
    await userEvent.type(within(dialog).getByLabelText('Reason'), 'payments are down');
    await userEvent.click(within(dialog).getByRole('button', { name: 'Bypass approval' }));
    await waitFor(() => expect(screen.queryByRole('alertdialog')).toBeNull());
    expect(gate.votes[0]).toMatchObject({ forceBypass: true, comment: 'payments are down' });
    expect(screen.getByText(/^You/).textContent).toMatch(/^You bypassed this release/);
    expect(count()).toBe('1/2 approvals');
  });

  it('shows a refusal and keeps the reason', async () => {
    const gate = forAdmin();
    gate.vote = () => {
      throw new ConnectError('only an admin can bypass', Code.PermissionDenied);
    };
    await open(gate);
    const dialog = await openDialog();
    await userEvent.type(within(dialog).getByLabelText('Reason'), 'outage');
    await userEvent.click(within(dialog).getByRole('button', { name: 'Bypass approval' }));
    expect((await within(dialog).findByRole('alert')).textContent).toContain('only an admin can bypass');
    expect(within(dialog).getByLabelText<HTMLTextAreaElement>('Reason').value).toBe('outage');
  });

  it('says so instead of sending when the release ends while it is open', async () => {
    const gate = forAdmin();
    await open(gate);
    const dialog = await openDialog();
    gate.answer = requirements(1, {}, { isAdmin: true, intentStatus: ReleaseIntentStatus.CANCELLED });
    expect((await within(dialog).findByRole('alert')).textContent).toContain('This release has ended');
    expect(within(dialog).queryByRole('button', { name: 'Bypass approval' })).toBeNull();
    await userEvent.click(within(dialog).getByRole('button', { name: 'Cancel' }));
    expect(screen.queryByRole('alertdialog')).toBeNull();
    expect(gate.votes).toEqual([]);
  });
});
