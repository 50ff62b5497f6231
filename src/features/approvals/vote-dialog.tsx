import pLimit from 'p-limit';
import { useState } from 'react';
import { Button } from '#src/components/button.tsx';
import { Field, Textarea } from '#src/components/field.tsx';
import { FormDialog } from '#src/components/form-dialog.tsx';
import { SendKey } from '#src/components/send-key.tsx';
import { ActionError } from '#src/components/states.tsx';
import { UserText } from '#src/components/user-text.tsx';
import type { PendingApproval } from '#src/gen/forest/v1/policies_pb.ts';
import { buildName } from '#src/lib/build-words.ts';
import { commentProblem } from '#src/lib/comment-rule.ts';
import { useDraft } from '#src/lib/draft.ts';
import { visibleText } from '#src/lib/visible-text.ts';
import { failureMessage } from './ballot-labels.ts';
import type { Verdict } from './held-rows.ts';
import { isPlan } from './pending-view.ts';
import { useVote } from './use-vote.ts';
import { Cautions } from './waiting-facts.tsx';
import { competitionsOf, keyOf, notIncludedLabel, refOf, titleOf } from './waiting-view.ts';

const MAX_CONCURRENT_VOTES = 4;

export interface VoteDialogProps {
  readonly verdict: Verdict;
  /** What is selected; at least one. */
  readonly approvals: readonly PendingApproval[];
  /** Whether an approval for all may take it: what needs a look has to be opened first. */
  readonly isIncluded: (approval: PendingApproval) => boolean;
  readonly onVoted: (approval: PendingApproval) => void;
  readonly onClose: () => void;
}

/**
 * One comment and one vote for several releases. Each names the live build that it would replace. The dialog closes when all votes are
 * recorded, and else stays with those that failed, each with its reason. Mounted while open.
 */
export function VoteDialog({ verdict, approvals, isIncluded, onVoted, onClose }: VoteDialogProps) {
  const approves = verdict === 'approved';
  // As they were when the dialog opened: a poll must not change what is voted on.
  const [offered, setOffered] = useState(() =>
    approvals.filter((one) => (approves ? isIncluded(one) : !isPlan(one))),
  );
  const [leftOut] = useState(() => approvals.filter((one) => !offered.includes(one)));
  const { draft: comment, setDraft: setComment } = useDraft('vote:several', '');
  const [problem, setProblem] = useState<string>();
  const [attempt, setAttempt] = useState<object | null>(null);
  const [sending, setSending] = useState(false);
  const [failures, setFailures] = useState<ReadonlyMap<string, string>>(new Map());
  const [sent, setSent] = useState(0);
  const vote = useVote();
  const verb = approves ? 'Approve' : 'Reject';
  const what = `${offered.length} ${offered.length === 1 ? 'release' : 'releases'}`;
  const notIncluded = notIncludedLabel(leftOut);
  const competitions = approves && failures.size === 0 ? competitionsOf(offered) : [];

  const submit = async () => {
    if (offered.length === 0) return;
    const found = commentProblem(comment);
    setProblem(found);
    if (found) return setAttempt({});
    setSending(true);
    const failed = new Map<string, string>();
    const send = async (approval: PendingApproval) => {
      const { environment } = approval;
      await vote
        .mutateAsync({ ...refOf(approval), environment, decision: verdict, comment: comment.trim() })
        .then(
          () => onVoted(approval),
          (error: unknown) => failed.set(keyOf(approval), failureMessage(error, verdict)),
        );
    };
    const limit = pLimit(MAX_CONCURRENT_VOTES);
    await Promise.all(offered.map((approval) => limit(send, approval)));
    setSending(false);
    if (failed.size === 0) return onClose();
    setFailures(failed);
    setSent(offered.length);
    setOffered(offered.filter((one) => failed.has(keyOf(one))));
    setAttempt({});
  };

  return (
    <FormDialog
      title={offered.length === 0 ? `${verb} releases?` : `${verb} ${what}?`}
      description={
        <ul className="flex flex-col gap-2">
          {offered.map((approval) => (
            <li key={keyOf(approval)} className="min-w-0 wrap-anywhere">
              <Target approval={approval} />
              {approves && <Cautions approval={approval} />}
              {failures.has(keyOf(approval)) && (
                <ActionError>
                  <UserText>{failures.get(keyOf(approval))}</UserText>
                </ActionError>
              )}
            </li>
          ))}
        </ul>
      }
      problems={attempt}
      error={failures.size > 0 ? `${failures.size} of ${sent} votes were not recorded.` : undefined}
      submit={
        offered.length > 0 && (
          <>
            {failures.size > 0 ? 'Try again' : `${verb} ${what}`}
            <SendKey />
          </>
        )
      }
      variant={approves ? 'approve' : 'reject'}
      pending={sending}
      onSubmit={() => void submit()}
      onClose={onClose}
    >
      {competitions.map(({ label, olderKeys }) => (
        <div key={label} className="flex flex-wrap items-center gap-x-3 gap-y-1 text-sm text-waiting">
          <p className="min-w-0 wrap-anywhere">
            <UserText>{label}</UserText>
          </p>
          {olderKeys.length > 0 && (
            <Button onClick={() => setOffered(offered.filter((one) => !olderKeys.includes(keyOf(one))))}>
              Keep only the newest
            </Button>
          )}
        </div>
      ))}
      {notIncluded && <p className="text-sm text-waiting">{notIncluded}</p>}
      <Field
        label="Comment"
        hint={offered.length > 1 ? 'Optional, the same for all' : 'Optional'}
        error={problem}
      >
        {(control) => (
          <Textarea
            {...control}
            rows={3}
            value={comment}
            onChange={(event) => {
              setComment(event.target.value);
              if (problem) setProblem(commentProblem(event.target.value));
            }}
          />
        )}
      </Field>
    </FormDialog>
  );
}

/** `storefront 2.9.0 → production (live: 2.1.0)`, and the title below. */
function Target({ approval }: { readonly approval: PendingApproval }) {
  const { project, environment, live } = approval;
  return (
    <>
      <span className="text-ink">
        <UserText>{project?.project}</UserText>{' '}
        <strong className="font-semibold">
          <UserText>{buildName(approval)}</UserText>
        </strong>
        {' → '}
        <UserText>{environment}</UserText>
      </span>{' '}
      (
      {live.length === 0 ? (
        'nothing is live'
      ) : (
        <>
          live: <UserText>{live.map(buildName).join(', ')}</UserText>
        </>
      )}
      )
      <bdi title={visibleText(titleOf(approval))} className="block truncate">
        <UserText>{titleOf(approval)}</UserText>
      </bdi>
    </>
  );
}
