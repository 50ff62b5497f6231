import { type MouseEvent, useId, useRef } from 'react';
import { Button, type ButtonVariant } from '#src/components/button.tsx';
import { CopyLink } from '#src/components/copy-link.tsx';
import { Field, Textarea } from '#src/components/field.tsx';
import { Reason } from '#src/components/reason.tsx';
import { RelativeTime } from '#src/components/relative-time.tsx';
import { isSendKey, SendKey } from '#src/components/send-key.tsx';
import { ActionError } from '#src/components/states.tsx';
import { UserText } from '#src/components/user-text.tsx';
import type { ApprovalDecisionEntry } from '#src/gen/forest/v1/policies_pb.ts';
import { describeError, isServerAway } from '#src/lib/errors.ts';
import {
  approvalEffect,
  decisionLabel,
  failureMessage,
  rejectionEffect,
  votersLabel,
} from './ballot-labels.ts';
import { approvalsOf } from './requirements-view.ts';
import type { Ballot } from './use-ballot.ts';
import type { Decision } from './use-vote.ts';

export interface VoteFormProps {
  /** Once votes no longer matter, only the failure of the last one is shown. */
  readonly ballot: Ballot;
  /** The address of the caller's own release, to send to those who can approve it; undefined for other people's. */
  readonly ownRelease?: string | undefined;
  /** The anchor of **Skip to decision**. */
  readonly id?: string | undefined;
  readonly onBypass: () => void;
  /** A vote was recorded; `focusLost` if its button had the focus and is no longer offered. */
  readonly onRecorded: (focusLost: boolean) => void;
}

/** The caller's earlier vote, the comment, the buttons that the server allows, and why a vote failed. */
export function VoteForm({ ballot, ownRelease, id, onBypass, onRecorded }: VoteFormProps) {
  const { environment, vote, open, mine, approve, reject, bypass, isDone } = ballot;
  const { canApprove, canWithdraw, rejectEffect } = environment;
  const approveButton = useRef<HTMLButtonElement>(null);
  const ids = useId();
  const missing = approvalsOf(environment).find(({ passed }) => !passed);
  const voters = missing && votersLabel(missing);

  const send = (decision: Decision, button: HTMLElement) =>
    ballot.send(decision, () => {
      // The button is hidden now, and some browsers have moved the focus to the page already.
      const focused = document.activeElement;
      onRecorded(focused === button || focused === document.body);
    });
  const effects = {
    approved: approve && !isDone('approved') ? approvalEffect(environment) : undefined,
    rejected: reject && !isDone('rejected') && rejectEffect ? rejectionEffect(rejectEffect) : undefined,
    withdrawn: undefined,
  };
  const voteButton = (label: string, variant: ButtonVariant, decision: Decision) => {
    const pending = vote.isPending && vote.variables.decision === decision;
    // The caller's own decision keeps its place, so that no other button moves under the pointer of a double click.
    const hidden = isDone(decision) && !pending;
    return (
      <Button
        ref={decision === 'approved' ? approveButton : undefined}
        data-vote={decision}
        variant={variant}
        className="in-data-sheet:min-h-12"
        style={hidden ? { visibility: 'hidden' } : undefined}
        disabled={hidden}
        pending={pending}
        aria-disabled={vote.isPending || undefined}
        aria-describedby={effects[decision] && `${ids}-${decision}`}
        aria-keyshortcuts={decision === 'approved' ? 'Control+Enter Meta+Enter' : undefined}
        onClick={(event: MouseEvent<HTMLButtonElement>) => send(decision, event.currentTarget)}
      >
        {label}
        {decision === 'approved' && <SendKey />}
      </Button>
    );
  };

  return (
    // The buttons send, not the form: Enter in the comment begins a new line.
    <form
      id={id}
      tabIndex={id ? -1 : undefined}
      className="flex scroll-mt-20 flex-col gap-2 outline-none empty:hidden"
      onSubmit={(event) => event.preventDefault()}
      noValidate
    >
      {open && mine && (
        <div className="flex flex-wrap items-center gap-x-3 gap-y-1">
          <OwnDecision mine={mine} />
          {canWithdraw?.allowed && voteButton('Withdraw vote', 'quiet', 'withdrawn')}
        </div>
      )}
      {open && ownRelease && (
        <div className="flex flex-wrap items-center gap-x-3 gap-y-1 text-sm text-muted">
          <p>You cannot approve your own release.</p>
          {voters && (
            <>
              <p className="min-w-0 wrap-anywhere">
                Ask: <UserText>{voters}</UserText>
              </p>
              <CopyLink to={ownRelease} />
            </>
          )}
        </div>
      )}
      {open && !ownRelease && !approve && !reject && !bypass && !mine && canApprove?.reason && (
        <p className="text-sm text-muted wrap-anywhere">
          <UserText>{canApprove.reason}</UserText>
        </p>
      )}
      {(approve || reject) && (
        <Field
          label="Comment"
          error={ballot.problem ?? (vote.error ? describeError(vote.error).fieldErrors.comment : undefined)}
        >
          {(control) => (
            <Textarea
              {...control}
              placeholder="Optional"
              value={ballot.comment}
              onKeyDown={(event) => {
                if (!isSendKey(event)) return;
                event.preventDefault();
                approveButton.current?.click();
              }}
              onChange={(event) => ballot.setComment(event.target.value)}
            />
          )}
        </Field>
      )}
      {(approve || reject) && (
        <div className="flex flex-wrap items-center gap-3 in-data-sheet:flex-col in-data-sheet:items-stretch">
          {approve && voteButton('Approve', 'approve', 'approved')}
          {reject && voteButton('Reject', 'reject', 'rejected')}
        </div>
      )}
      {(['approved', 'rejected'] as const).map(
        (decision) =>
          effects[decision] && (
            <p key={decision} id={`${ids}-${decision}`} className="text-xs text-muted wrap-anywhere">
              <Reason>{effects[decision]}</Reason>
            </p>
          ),
      )}
      {vote.isError && !isDone(vote.variables.decision) && (
        <div className="flex flex-col items-start gap-1.5">
          <ActionError>
            <UserText>{failureMessage(vote.error, vote.variables.decision)}</UserText>
          </ActionError>
          {open && isServerAway(vote.error) && (
            <Button onClick={(event) => send(vote.variables.decision, event.currentTarget)}>Try again</Button>
          )}
        </div>
      )}
      {bypass && (
        <div className="mt-1 flex justify-end border-t border-line pt-3">
          <Button
            variant="reject"
            aria-disabled={vote.isPending || undefined}
            onClick={() => !vote.isPending && onBypass()}
          >
            Bypass (Admin)
          </Button>
        </div>
      )}
    </form>
  );
}

function OwnDecision({ mine }: { readonly mine: ApprovalDecisionEntry }) {
  const { label, look } = decisionLabel(mine);
  return (
    <p className="text-sm">
      You <span className={look}>{label}</span> this release <RelativeTime value={mine.decidedAt} />.
    </p>
  );
}
