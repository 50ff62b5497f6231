import { createConnectQueryKey, useQuery } from '@connectrpc/connect-query';
import { type InfiniteData, useQueryClient } from '@tanstack/react-query';
import { Check, X } from 'lucide-react';
import { useEffect, useRef } from 'react';
import { Button } from '#src/components/button.tsx';
import { ActionError } from '#src/components/states.tsx';
import { UserText } from '#src/components/user-text.tsx';
import {
  type ListPendingApprovalsResponse,
  type PendingApproval,
  PolicyService,
} from '#src/gen/forest/v1/policies_pb.ts';
import { visibleText } from '#src/lib/visible-text.ts';
import { failureMessage } from './ballot-labels.ts';
import type { Verdict } from './held-rows.ts';
import { pendingMethod, requirementsInput } from './queries.ts';
import { useVote } from './use-vote.ts';
import { byAge, refOf, titleOf } from './waiting-view.ts';

/** How long the line stays, in milliseconds; longer while somebody is at it. */
const STAYS = 5_000;
const LOOKS_AGAIN = 1_000;

export interface VotedLineProps {
  readonly approval: PendingApproval;
  readonly verdict: Verdict;
  /** The vote was taken back, or the line has been there long enough. */
  readonly onGone: () => void;
}

/** In place of a row after the caller's vote: what it was, and the button that takes it back. */
export function VotedLine({ approval, verdict, onGone }: VotedLineProps) {
  const line = useRef<HTMLDivElement>(null);
  const client = useQueryClient();
  const vote = useVote();
  const release = refOf(approval);
  // The answer of the vote.
  const { data } = useQuery(PolicyService.method.getReleaseRequirements, requirementsInput(release), {
    enabled: false,
  });
  const environment = data?.environments.find(({ stageId }) => stageId === approval.stageId);

  const gone = useRef(onGone);
  gone.current = onGone;
  const busy = vote.isPending || vote.isError;
  useEffect(() => {
    if (busy) return;
    const leave = () => {
      const used = line.current?.matches(':hover') || line.current?.querySelector(':focus-visible');
      if (used) timer = setTimeout(leave, LOOKS_AGAIN);
      else gone.current();
    };
    let timer = setTimeout(leave, STAYS);
    return () => clearTimeout(timer);
  }, [busy]);
  // The button of the vote had the focus, and is gone.
  useEffect(() => {
    const lost = document.activeElement === document.body || document.activeElement?.id === 'main';
    if (lost) line.current?.querySelector<HTMLElement>('a, button')?.focus({ preventScroll: true });
  }, []);

  const undo = () =>
    vote.mutate(
      { ...release, environment: approval.environment, decision: 'withdrawn', comment: '' },
      {
        onSuccess: () => {
          client.setQueriesData<InfiniteData<ListPendingApprovalsResponse>>(
            { queryKey: createConnectQueryKey({ schema: pendingMethod, cardinality: 'infinite' }) },
            (list) => list && withApproval(list, approval),
          );
          gone.current();
        },
      },
    );
  const Icon = verdict === 'approved' ? Check : X;
  const look = verdict === 'approved' ? 'text-passed' : 'text-failed';
  return (
    <div ref={line} className="flex min-h-11 flex-wrap items-center gap-x-2 gap-y-1 px-3 py-1">
      <Icon aria-hidden size={16} className={`shrink-0 ${look}`} />
      <span className={`font-medium ${look}`}>You {verdict}</span>
      <bdi className="min-w-0 truncate">
        <UserText>{titleOf(approval)}</UserText>
      </bdi>
      <span className="text-muted">
        for <UserText>{approval.environment}</UserText>
      </span>
      {environment?.canWithdraw?.allowed && (
        <Button
          variant="text"
          data-focus-return
          aria-label={visibleText(`Undo for ${titleOf(approval)}`)}
          pending={vote.isPending}
          onClick={undo}
        >
          Undo
        </Button>
      )}
      {vote.isError && (
        <ActionError>
          <UserText>{failureMessage(vote.error, 'withdrawn')}</UserText>
        </ActionError>
      )}
    </div>
  );
}

/** The list with an entry again, on its first page. */
function withApproval(
  list: InfiniteData<ListPendingApprovalsResponse>,
  approval: PendingApproval,
): InfiniteData<ListPendingApprovalsResponse> {
  const [first, ...others] = list.pages;
  if (first === undefined) return list;
  const approvals = [...first.approvals, approval].sort(byAge);
  return { ...list, pages: [{ ...first, approvals }, ...others] };
}
