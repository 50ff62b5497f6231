import { type MouseEvent, useId, useState } from 'react';
import { Button, type ButtonVariant } from '#src/components/button.tsx';
import { Field, Textarea } from '#src/components/field.tsx';
import { Reason } from '#src/components/reason.tsx';
import { RelativeTime } from '#src/components/relative-time.tsx';
import { ActionError } from '#src/components/states.tsx';
import { UserText } from '#src/components/user-text.tsx';
import type {
  ApprovalDecisionEntry,
  BallotEffect,
  EnvironmentRequirements,
} from '#src/gen/forest/v1/policies_pb.ts';
import { commentProblem } from '#src/lib/comment-rule.ts';
import { useDraft } from '#src/lib/draft.ts';
import { describeError, isServerAway } from '#src/lib/errors.ts';
import { decisionLabel, effectLabel, failureMessage } from './ballot-labels.ts';
import { draftKey, type ReleaseRef } from './queries.ts';
import { type Decision, useVote } from './use-vote.ts';

export interface VoteFormProps {
  /** Whether votes can still matter. Afterwards only the failure of the last vote is shown. */
  readonly open: boolean;
  readonly release: ReleaseRef;
  readonly environment: EnvironmentRequirements;
  /** The caller is an author of the release and not an admin. */
  readonly ownRelease: boolean;
  readonly onBypass: () => void;
  /** A vote was recorded whose button had the focus and is no longer offered. */
  readonly onFocusLost: () => void;
}

/** The caller's earlier vote, the comment, the buttons that the server allows, and why a vote failed. */
export function VoteForm({ open, release, environment, ownRelease, onBypass, onFocusLost }: VoteFormProps) {
  const { draft: comment, setDraft: setComment } = useDraft(
    draftKey(release.releaseIntentId, environment.environment),
    '',
  );
  const [problem, setProblem] = useState<string>();
  const vote = useVote();
  const ids = useId();
  const mine = environment.myDecision;
  // An approval that no longer counts can be given again; a rejection is never outdated.
  const given = mine?.counted || mine?.decision === 'rejected' ? mine : undefined;
  const isDone = (decision: Decision) => (decision === 'withdrawn' ? !mine : given?.decision === decision);
  const { canApprove, canReject, canBypass, canWithdraw, approveEffect, rejectEffect, bypassEffect } =
    environment;
  const approve = open && canApprove?.allowed === true;
  const reject = open && canReject?.allowed === true;
  const bypass = open && canBypass?.allowed === true && !given?.bypass;

  const send = (decision: Decision, button: HTMLElement) => {
    const withdraws = decision === 'withdrawn';
    const found = withdraws ? undefined : commentProblem(comment);
    setProblem(found);
    if (found || vote.isPending) return;
    vote.mutate(
      { ...release, environment: environment.environment, decision, comment: comment.trim() },
      {
        onSuccess: () => {
          if (!withdraws) setComment('');
          // The button is hidden now, and some browsers have moved the focus to the page already.
          const focused = document.activeElement;
          if (focused === button || focused === document.body) onFocusLost();
        },
      },
    );
  };
  const voteButton = (label: string, variant: ButtonVariant, decision: Decision, effect?: BallotEffect) => {
    const pending = vote.isPending && vote.variables.decision === decision;
    // The caller's own decision keeps its place, so that no other button moves under the pointer of a double click.
    const hidden = isDone(decision) && !pending;
    return (
      <Button
        variant={variant}
        style={hidden ? { visibility: 'hidden' } : undefined}
        disabled={hidden}
        pending={pending}
        aria-disabled={vote.isPending || undefined}
        aria-describedby={effect && `${ids}-${label}`}
        onClick={(event: MouseEvent<HTMLButtonElement>) => send(decision, event.currentTarget)}
      >
        {label}
      </Button>
    );
  };
  const effects = [
    approve && !isDone('approved') && { label: 'Approve', effect: approveEffect },
    reject && !isDone('rejected') && { label: 'Reject', effect: rejectEffect },
    bypass && { label: 'Bypass', effect: bypassEffect },
  ].filter((one) => one !== false);

  return (
    // The buttons send, not the form: Enter in the comment begins a new line.
    <form
      className="flex flex-col gap-2 empty:hidden"
      onSubmit={(event) => event.preventDefault()}
      noValidate
    >
      {open && mine && (
        <div className="flex flex-wrap items-center gap-x-3 gap-y-1">
          <OwnDecision mine={mine} />
          {canWithdraw?.allowed && voteButton('Withdraw vote', 'quiet', 'withdrawn')}
        </div>
      )}
      {open && ownRelease && <p className="text-sm text-muted">You cannot approve your own release.</p>}
      {open && !ownRelease && !approve && !reject && !bypass && !mine && canApprove?.reason && (
        <p className="text-sm text-muted wrap-anywhere">
          <UserText>{canApprove.reason}</UserText>
        </p>
      )}
      {(approve || reject) && (
        <Field
          label="Comment"
          hint="Optional."
          error={problem ?? (vote.error ? describeError(vote.error).fieldErrors.comment : undefined)}
        >
          {(control) => (
            <Textarea
              {...control}
              value={comment}
              onChange={(event) => {
                setComment(event.target.value);
                if (problem) setProblem(commentProblem(event.target.value));
              }}
            />
          )}
        </Field>
      )}
      {(approve || reject || bypass) && (
        <div className="flex flex-wrap items-center gap-2">
          {approve && voteButton('Approve', 'approve', 'approved', approveEffect)}
          {reject && voteButton('Reject', 'reject', 'rejected', rejectEffect)}
          {bypass && (
            <Button
              variant="danger"
              aria-disabled={vote.isPending || undefined}
              aria-describedby={bypassEffect && `${ids}-Bypass`}
              onClick={() => !vote.isPending && onBypass()}
            >
              Bypass (Admin)
            </Button>
          )}
        </div>
      )}
      {effects.some(({ effect }) => effect) && (
        <ul aria-label="What your vote would do" className="flex min-w-0 flex-col gap-0.5 text-xs text-muted">
          {effects.map(
            ({ label, effect }) =>
              effect && (
                <li key={label} id={`${ids}-${label}`} className="wrap-anywhere">
                  If you <span className="font-medium text-ink">{label.toLowerCase()}</span>,{' '}
                  <Reason>{`${effectLabel(effect, environment.evaluations)}.`}</Reason>
                </li>
              ),
          )}
        </ul>
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
