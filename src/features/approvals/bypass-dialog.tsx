import { useRef, useState } from 'react';
import { AlertDialog, AlertDialogCancel } from '#src/components/alert-dialog.tsx';
import { Button } from '#src/components/button.tsx';
import { Field, Textarea } from '#src/components/field.tsx';
import { ActionError } from '#src/components/states.tsx';
import { announce } from '#src/components/toast.tsx';
import type { EnvironmentRequirements } from '#src/gen/forest/v1/policies_pb.ts';
import { commentProblem } from '#src/lib/comment-rule.ts';
import { useDraft } from '#src/lib/draft.ts';
import { describeError } from '#src/lib/errors.ts';
import type { Voter } from './optimistic-vote.ts';
import type { ReleaseRef } from './queries.ts';
import { skippedWords } from './requirements-view.ts';
import { useBypass } from './use-vote.ts';

export interface BypassDialogProps {
  readonly release: ReleaseRef;
  /** The release as people know it: its title and slug. */
  readonly releaseName: string;
  readonly environment: EnvironmentRequirements;
  readonly voter: Voter;
  /** Why there is nothing left to bypass, once the release has gone on or ended; undefined while there is. */
  readonly tooLate: string | undefined;
  readonly onClose: () => void;
}

/**
 * Asks an admin for the reason of a bypass and records it. Mounted while open. It sends nothing without a reason, and
 * nothing after `tooLate`; a refusal stands in the dialog, which stays.
 */
export function BypassDialog({
  release,
  releaseName,
  environment,
  voter,
  tooLate,
  onClose,
}: BypassDialogProps) {
  const name = environment.environment;
  const { draft: reason, setDraft: setReason } = useDraft(`bypass:${release.releaseIntentId}:${name}`, '');
  const [problem, setProblem] = useState<string>();
  const field = useRef<HTMLTextAreaElement>(null);
  const bypass = useBypass(release, voter);
  const refusal = bypass.error ? describeError(bypass.error) : undefined;

  const submit = () => {
    if (tooLate || bypass.isPending) return;
    const found = reasonProblem(reason);
    setProblem(found);
    if (found) {
      field.current?.focus();
      return;
    }
    bypass.mutate(
      { environment: name, reason: reason.trim() },
      {
        onSuccess: () => {
          announce(`The approval for ${name} was bypassed.`);
          onClose();
        },
      },
    );
  };

  return (
    <AlertDialog
      open
      onOpenChange={(open) => {
        if (!open && !bypass.isPending) onClose();
      }}
      title="Bypass approval?"
      description={
        <>
          <p>
            <strong className="font-semibold text-ink">{releaseName}</strong> may then be deployed to{' '}
            <strong className="font-semibold text-ink">{name}</strong> whatever approvals are missing.
          </p>
          <p className="mt-1">{skippedWords(environment)}</p>
          <p className="mt-1">The bypass is recorded with your name and the reason.</p>
        </>
      }
      onSubmit={submit}
      actions={
        <>
          <AlertDialogCancel aria-disabled={bypass.isPending || undefined} />
          {!tooLate && (
            <Button type="submit" variant="danger" pending={bypass.isPending}>
              Bypass approval
            </Button>
          )}
        </>
      }
    >
      <div className="mt-4 flex flex-col gap-2">
        {tooLate ? (
          <ActionError>{tooLate}</ActionError>
        ) : (
          <Field label="Reason" required error={problem ?? refusal?.fieldErrors.comment}>
            {(control) => (
              <Textarea
                {...control}
                ref={field}
                rows={3}
                value={reason}
                onChange={(event) => {
                  setReason(event.target.value);
                  if (problem) setProblem(reasonProblem(event.target.value));
                }}
              />
            )}
          </Field>
        )}
        {refusal && !tooLate && <ActionError>The bypass was not recorded: {refusal.message}</ActionError>}
      </div>
    </AlertDialog>
  );
}

function reasonProblem(reason: string): string | undefined {
  if (reason.trim() === '') return 'Say why the approval is bypassed. The reason is kept with the release.';
  return commentProblem(reason);
}
