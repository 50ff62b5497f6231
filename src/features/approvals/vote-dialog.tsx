import pLimit from 'p-limit';
import { type KeyboardEvent, useState } from 'react';
import { Field, Textarea } from '#src/components/field.tsx';
import { FormDialog } from '#src/components/form-dialog.tsx';
import { ActionError } from '#src/components/states.tsx';
import { announce } from '#src/components/toast.tsx';
import { UserText } from '#src/components/user-text.tsx';
import type { PendingApproval } from '#src/gen/forest/v1/policies_pb.ts';
import { commentProblem } from '#src/lib/comment-rule.ts';
import { useDraft } from '#src/lib/draft.ts';
import { failureMessage } from './ballot-labels.ts';
import { BuildFacts, Cautions } from './pending-facts.tsx';
import { keyOf, titleOf } from './pending-view.ts';
import { draftKey } from './queries.ts';
import { type Decision, useVote } from './use-vote.ts';

/** Up to this many releases are listed; the others are counted. */
const MAX_LISTED = 8;
const MAX_CONCURRENT_VOTES = 4;

export interface VoteDialogProps {
  readonly decision: Decision;
  /** At least one. */
  readonly approvals: readonly PendingApproval[];
  readonly onClose: () => void;
}

/**
 * Asks for the comment and votes on one or several releases; no single key votes. It closes when all votes are recorded, and
 * else stays with those that failed, each with its reason. Mounted while open.
 */
export function VoteDialog({ decision, approvals, onClose }: VoteDialogProps) {
  const [only] = approvals;
  const key =
    only && approvals.length === 1 ? draftKey(only.releaseIntentId, only.environment) : 'vote:several';
  const { draft: comment, setDraft: setComment } = useDraft(key, '');
  const [problem, setProblem] = useState<string>();
  const [attempt, setAttempt] = useState<object | null>(null);
  const [sending, setSending] = useState(false);
  const [failures, setFailures] = useState<ReadonlyMap<string, string>>(new Map());
  const vote = useVote();
  const left = failures.size > 0 ? approvals.filter((one) => failures.has(keyOf(one))) : approvals;
  const verb = decision === 'approved' ? 'Approve' : 'Reject';

  const submit = async () => {
    const found = commentProblem(comment);
    setProblem(found);
    if (found) return setAttempt({});
    setSending(true);
    const failed = new Map<string, string>();
    const send = async (approval: PendingApproval) => {
      const { project, releaseIntentId, environment } = approval;
      const { organisation = '', project: name = '' } = project ?? {};
      const release = { organisation, project: name, releaseIntentId };
      await vote
        .mutateAsync({ ...release, environment, decision, comment: comment.trim() })
        .catch((error: unknown) => failed.set(keyOf(approval), failureMessage(error, decision)));
    };
    const limit = pLimit(MAX_CONCURRENT_VOTES);
    await Promise.all(left.map((approval) => limit(send, approval)));
    setSending(false);
    setFailures(failed);
    if (failed.size > 0) return setAttempt({});
    announce(recordedMessage(left, decision));
    onClose();
  };

  return (
    <FormDialog
      title={
        left.length === 1
          ? `${verb} this release for ${left[0]?.environment}?`
          : `${verb} ${left.length} releases?`
      }
      description={
        <ul className="flex flex-col gap-1">
          {left.slice(0, MAX_LISTED).map((approval) => (
            <li key={keyOf(approval)}>
              <bdi className="line-clamp-2 font-medium text-ink">
                <UserText>{titleOf(approval)}</UserText>
              </bdi>
              <BuildFacts approval={approval} /> · <UserText>{approval.project?.project}</UserText> ·{' '}
              <UserText>{approval.environment}</UserText> · by <UserText>{approval.authorUsername}</UserText>
              <Cautions approval={approval} />
              {failures.has(keyOf(approval)) && (
                <ActionError>
                  <UserText>{failures.get(keyOf(approval))}</UserText>
                </ActionError>
              )}
            </li>
          ))}
          {left.length > MAX_LISTED && <li>and {left.length - MAX_LISTED} more</li>}
        </ul>
      }
      problems={attempt}
      error={
        failures.size > 0 && approvals.length > 1
          ? `${failures.size} of ${approvals.length} votes were not recorded.`
          : undefined
      }
      submit={failures.size > 0 ? 'Try again' : verb}
      variant={decision === 'approved' ? 'approve' : 'reject'}
      pending={sending}
      onSubmit={() => void submit()}
      onClose={onClose}
    >
      <Field
        label="Comment"
        hint={`Optional${approvals.length > 1 ? ', the same for all' : ''}. Press Enter to send, Shift+Enter for a new line.`}
        error={problem}
      >
        {(control) => (
          <Textarea
            {...control}
            rows={3}
            value={comment}
            onKeyDown={submitOnEnter}
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

function submitOnEnter(event: KeyboardEvent<HTMLTextAreaElement>) {
  if (event.key !== 'Enter' || event.shiftKey || event.nativeEvent.isComposing) return;
  event.preventDefault();
  event.currentTarget.form?.requestSubmit();
}

function recordedMessage([first, ...others]: readonly PendingApproval[], decision: Decision): string {
  if (first && others.length === 0) {
    return `You ${decision} “${shortened(titleOf(first))}” for ${first.environment}.`;
  }
  return `${others.length + 1} ${decision === 'approved' ? 'approvals' : 'rejections'} recorded.`;
}

function shortened(text: string): string {
  const characters = Array.from(text);
  return characters.length > 80 ? `${characters.slice(0, 79).join('')}…` : text;
}
