import { type FormEvent, useId, useState } from 'react';
import { Button } from '#src/components/button.tsx';
import { classNames } from '#src/components/class-names.ts';
import { Field, Textarea } from '#src/components/field.tsx';
import { RelativeTime } from '#src/components/relative-time.tsx';
import { ActionError } from '#src/components/states.tsx';
import type { ApprovalDecisionEntry, EnvironmentRequirements } from '#src/gen/forest/v1/policies_pb.ts';
import { commentProblem } from '#src/lib/comment-rule.ts';
import { useDraft } from '#src/lib/draft.ts';
import { describeError, isServerAway } from '#src/lib/errors.ts';
import { decisionWords } from './decision-list.tsx';
import type { Vote, Voter } from './optimistic-vote.ts';
import type { ReleaseRef } from './queries.ts';
import { type HeldVote, useHeldVote } from './use-held-vote.ts';
import { useVote } from './use-vote.ts';
import { VoteEffects } from './vote-effects.tsx';

export interface VoteFormProps {
  /** Whether votes can still matter. Afterwards nothing is offered, but why the last vote was refused stays to be read. */
  readonly open: boolean;
  readonly release: ReleaseRef;
  readonly environment: EnvironmentRequirements;
  readonly voter: Voter;
  /** The caller asked for the release and is no admin. */
  readonly ownRelease: boolean;
  readonly onBypass: () => void;
}

/**
 * The comment and the buttons that the server allows the caller, what they decided before, and why something was refused.
 * A vote's own button stays, pending, until the server has answered, so that the focus has a place to be.
 */
export function VoteForm({ open, release, environment, voter, ownRelease, onBypass }: VoteFormProps) {
  const { draft: comment, setDraft: setComment } = useDraft(
    `vote:${release.releaseIntentId}:${environment.environment}`,
    '',
  );
  const [problem, setProblem] = useState<string>();
  const vote = useVote(release, voter);
  const buttons = useSteadyButtons(open, environment, vote.isPending);
  const held = useHeldVote(release, environment.environment, voter, (sent) => {
    // What was typed since then stays.
    if (comment.trim() === sent.comment) setComment('');
  });
  const ids = useId();
  const refused = held.refused ?? (vote.error ? vote : undefined);
  const refusal = refused?.error ? describeError(refused.error) : undefined;

  const send = (decision: Vote['decision']) => {
    const found = commentProblem(comment);
    setProblem(found);
    if (found || vote.isPending) return;
    held.drop();
    held.forgetRefusal();
    vote.mutate(
      { environment: environment.environment, decision, comment: comment.trim() },
      {
        onSuccess: () => setComment(''),
        onError: (error, unsent) => {
          if (!isServerAway(error)) return;
          held.hold(unsent);
          vote.reset();
        },
      },
    );
  };
  const mine = environment.myDecision;
  const voting = buttons.approve || buttons.reject;

  return (
    // The buttons send, not the form: Enter in the comment is a line of it, never a vote.
    <form
      className="flex flex-col gap-2 empty:hidden"
      onSubmit={(event: FormEvent) => event.preventDefault()}
      noValidate
    >
      {open && mine && <OwnDecision mine={mine} />}
      {open && ownRelease && <p className="text-sm text-muted">You cannot approve your own release.</p>}
      {open && !ownRelease && !voting && !buttons.bypass && !mine && environment.canApprove?.reason && (
        <p className="text-sm text-muted wrap-anywhere">{environment.canApprove.reason}</p>
      )}
      {voting && (
        <Field label="Comment" hint="Optional." error={problem ?? refusal?.fieldErrors.comment}>
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
      {(voting || buttons.bypass) && (
        // Neither button stands where the other stood before: who presses twice must not turn their vote back.
        <div
          className={classNames(
            'flex flex-wrap items-center gap-2',
            mine && !buttons.approve && 'justify-end',
          )}
        >
          {buttons.approve && (
            <Button
              variant="approve"
              pending={vote.isPending && vote.variables.decision === 'approved'}
              aria-disabled={vote.isPending || undefined}
              aria-describedby={environment.approveEffect && `${ids}-approve`}
              onClick={() => send('approved')}
            >
              Approve
            </Button>
          )}
          {buttons.reject && (
            <Button
              variant="reject"
              pending={vote.isPending && vote.variables.decision === 'rejected'}
              aria-disabled={vote.isPending || undefined}
              aria-describedby={environment.rejectEffect && `${ids}-reject`}
              onClick={() => send('rejected')}
            >
              Reject
            </Button>
          )}
          {buttons.bypass && (
            <Button
              variant="danger"
              aria-disabled={vote.isPending || undefined}
              aria-describedby={environment.bypassEffect && `${ids}-bypass`}
              onClick={onBypass}
            >
              Bypass (Admin)
            </Button>
          )}
        </div>
      )}
      {!vote.isPending && (
        <VoteEffects
          evaluations={environment.evaluations}
          lines={[
            ...(buttons.approve
              ? [{ action: 'Approve', id: `${ids}-approve`, effect: environment.approveEffect }]
              : []),
            ...(buttons.reject
              ? [{ action: 'Reject', id: `${ids}-reject`, effect: environment.rejectEffect }]
              : []),
            ...(buttons.bypass
              ? [{ action: 'Bypass', id: `${ids}-bypass`, effect: environment.bypassEffect }]
              : []),
          ]}
        />
      )}
      {held.held && <HeldBack held={held.held} onDrop={held.drop} />}
      {refusal && refused?.variables && (
        <ActionError>
          Your {voteNoun(refused.variables)} was not recorded: {refusal.message}
        </ActionError>
      )}
    </form>
  );
}

interface Buttons {
  readonly approve: boolean;
  readonly reject: boolean;
  readonly bypass: boolean;
}

/** What may be pressed: what the server allows, without the decision that stands. Kept as it was while a vote is sent. */
function useSteadyButtons(open: boolean, environment: EnvironmentRequirements, sending: boolean): Buttons {
  const mine = environment.myDecision;
  const now: Buttons = {
    approve: open && (environment.canApprove?.allowed ?? false) && mine?.decision !== 'approved',
    reject: open && (environment.canReject?.allowed ?? false) && mine?.decision !== 'rejected',
    bypass: open && (environment.canBypass?.allowed ?? false) && !mine?.bypass,
  };
  const [steady, setSteady] = useState(now);
  const changed =
    steady.approve !== now.approve || steady.reject !== now.reject || steady.bypass !== now.bypass;
  if (!sending && changed) {
    setSteady(now);
    return now;
  }
  return steady;
}

function voteNoun({ decision }: Vote): string {
  return decision === 'approved' ? 'approval' : 'rejection';
}

/** A vote that waits for the server: that it is not lost, since when it waits, and how to take it back. */
function HeldBack({ held, onDrop }: { readonly held: HeldVote; readonly onDrop: () => void }) {
  return (
    <div className="flex flex-col items-start gap-1.5">
      <ActionError>
        Your {voteNoun(held.vote)} was not recorded: The server does not answer. It is held back since{' '}
        <time dateTime={held.since.toISOString()}>{held.since.toLocaleTimeString()}</time>
        {held.vote.comment && ', with its comment,'} and sent as soon as the server answers.
      </ActionError>
      <Button onClick={onDrop}>Do not send it</Button>
    </div>
  );
}

function OwnDecision({ mine }: { readonly mine: ApprovalDecisionEntry }) {
  const { words, look } = decisionWords(mine);
  return (
    <p className="text-sm">
      You <span className={look}>{words}</span> this release <RelativeTime value={mine.decidedAt} />.
    </p>
  );
}
