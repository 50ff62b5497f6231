import { type KeyboardEvent, useState } from 'react';
import { Field, Textarea } from '#src/components/field.tsx';
import { FormDialog } from '#src/components/form-dialog.tsx';
import type { PendingApproval } from '#src/gen/forest/v1/policies_pb.ts';
import { commentProblem } from '#src/lib/comment-rule.ts';
import { useDraft } from '#src/lib/draft.ts';
import { draftKeyOf } from './kept-comment.tsx';
import { type Decision, keyOf, titleOf } from './triage-lines.ts';

/** How many are named; the others are counted. */
const named = 8;

export interface TriageDialogProps {
  readonly decision: Decision;
  /** At least one. */
  readonly approvals: readonly PendingApproval[];
  /** What was said before, when a refused vote is tried again. */
  readonly comment?: string | undefined;
  readonly onSend: (comment: string) => void;
  readonly onClose: () => void;
}

/** Asks for the comment of a vote on one or several releases, so that no single key votes. Enter sends. */
export function TriageDialog({
  decision,
  approvals,
  comment: before = '',
  onSend,
  onClose,
}: TriageDialogProps) {
  const [only] = approvals;
  const { draft: comment, setDraft: setComment } = useDraft(draftKeyOf(approvals), before);
  const [problem, setProblem] = useState<string>();
  const [attempt, setAttempt] = useState<object | null>(null);
  const verb = decision === 'approved' ? 'Approve' : 'Reject';
  const submit = () => {
    const found = commentProblem(comment);
    setProblem(found);
    if (found) setAttempt({});
    else onSend(comment.trim());
  };
  return (
    <FormDialog
      title={
        approvals.length === 1
          ? `${verb} this release for ${only?.environment}?`
          : `${verb} ${approvals.length} releases?`
      }
      description={
        <ul className="flex flex-col gap-1">
          {approvals.slice(0, named).map((approval) => (
            <li key={keyOf(approval)}>
              <bdi className="line-clamp-2 font-medium text-ink">{titleOf(approval)}</bdi>
              {approval.project?.project} · {approval.environment} · by {approval.authorUsername}
            </li>
          ))}
          {approvals.length > named && <li>and {approvals.length - named} more</li>}
        </ul>
      }
      problems={attempt}
      submit={verb}
      variant={decision === 'approved' ? 'approve' : 'reject'}
      onSubmit={submit}
      onClose={onClose}
    >
      <Field
        label="Comment"
        hint={`Optional${approvals.length > 1 ? ', the same for all' : ''}. Enter sends; Shift and Enter begin a new line.`}
        error={problem}
      >
        {(control) => (
          <Textarea
            {...control}
            rows={3}
            value={comment}
            onKeyDown={sendByEnter}
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

function sendByEnter(event: KeyboardEvent<HTMLTextAreaElement>) {
  if (event.key !== 'Enter' || event.shiftKey || event.nativeEvent.isComposing) return;
  event.preventDefault();
  event.currentTarget.form?.requestSubmit();
}
