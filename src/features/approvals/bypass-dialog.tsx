import { useRef, useState } from 'react';
import { AlertDialog, AlertDialogCancel } from '#src/components/alert-dialog.tsx';
import { Button } from '#src/components/button.tsx';
import { Field, Textarea } from '#src/components/field.tsx';
import { Reason } from '#src/components/reason.tsx';
import { SendKey } from '#src/components/send-key.tsx';
import { ActionError } from '#src/components/states.tsx';
import { announce } from '#src/components/toast.tsx';
import { UserText } from '#src/components/user-text.tsx';
import type {
  EnvironmentRequirements,
  GetReleaseRequirementsResponse,
} from '#src/gen/forest/v1/policies_pb.ts';
import { ReleaseIntentStatus } from '#src/gen/forest/v1/releases_pb.ts';
import { commentProblem } from '#src/lib/comment-rule.ts';
import { useDraft } from '#src/lib/draft.ts';
import { describeError } from '#src/lib/errors.ts';
import { outcomeLabel } from './ballot-labels.ts';
import type { ReleaseRef } from './queries.ts';
import { isVotable } from './requirements-view.ts';
import { skippedLabel } from './skipped-label.ts';
import { useVote } from './use-vote.ts';

export interface BypassDialogProps {
  readonly release: ReleaseRef;
  /** Title and slug of the build. */
  readonly releaseName: string;
  readonly requirements: GetReleaseRequirementsResponse;
  readonly environment: EnvironmentRequirements;
  readonly onClose: () => void;
}

/** Asks an admin for the reason of a bypass and records it. Mounted while open; a failure is shown in it. */
export function BypassDialog({
  release,
  releaseName,
  requirements,
  environment,
  onClose,
}: BypassDialogProps) {
  const tooLate = tooLateMessage(requirements, environment);
  const name = environment.environment;
  const { draft: reason, setDraft: setReason } = useDraft(`bypass:${release.releaseIntentId}:${name}`, '');
  const [problem, setProblem] = useState<string>();
  const field = useRef<HTMLTextAreaElement>(null);
  const bypass = useVote();
  const outcome = environment.bypassEffect && outcomeLabel(environment.bypassEffect, environment);
  const failure = bypass.error ? describeError(bypass.error) : undefined;

  const submit = () => {
    if (tooLate || bypass.isPending) return;
    const found = reasonProblem(reason);
    setProblem(found);
    if (found) {
      field.current?.focus();
      return;
    }
    bypass.mutate(
      { ...release, environment: name, decision: 'approved', comment: reason.trim(), bypass: true },
      {
        onSuccess: () => {
          announce(`Approval for ${name} bypassed`);
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
        <div className="flex flex-col gap-1.5">
          <p>
            <strong className="font-semibold text-ink">
              <UserText>{releaseName}</UserText>
            </strong>{' '}
            to{' '}
            <strong className="font-semibold text-ink">
              <UserText>{name}</UserText>
            </strong>
          </p>
          <p>
            <UserText>{skippedLabel(environment)}</UserText>
          </p>
          <p>Soak times, branch rules and holds stay in force.</p>
          {outcome && (
            <p>
              Then <Reason>{outcome}</Reason>.
            </p>
          )}
          <p>Everybody sees the bypass with your name and the reason.</p>
        </div>
      }
      onSubmit={submit}
      actions={
        <>
          <AlertDialogCancel aria-disabled={bypass.isPending || undefined} />
          {!tooLate && (
            <Button type="submit" variant="danger" pending={bypass.isPending}>
              Bypass approval
              <SendKey />
            </Button>
          )}
        </>
      }
    >
      <div className="mt-4 flex flex-col gap-2">
        {tooLate ? (
          <ActionError>
            <UserText>{tooLate}</UserText>
          </ActionError>
        ) : (
          <Field label="Reason" required error={problem ?? failure?.fieldErrors.comment}>
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
        {failure && !tooLate && (
          <ActionError>
            The bypass was not recorded: <UserText>{failure.message}</UserText>
          </ActionError>
        )}
      </div>
    </AlertDialog>
  );
}

function reasonProblem(reason: string): string | undefined {
  if (reason.trim() === '') return 'Enter a reason. It is kept with the release.';
  return commentProblem(reason);
}

/** Why a bypass is no longer possible; undefined while it is. */
function tooLateMessage(
  requirements: GetReleaseRequirementsResponse,
  environment: EnvironmentRequirements,
): string | undefined {
  if (requirements.intentStatus !== ReleaseIntentStatus.ACTIVE) {
    return 'This release has ended in the meantime. Nothing was sent.';
  }
  if (!isVotable(requirements, environment)) {
    return `The deployment to ${environment.environment} has started or ended in the meantime. Nothing was sent.`;
  }
  if (environment.canBypass && !environment.canBypass.allowed) {
    return environment.canBypass.reason || 'You can no longer bypass this approval. Nothing was sent.';
  }
  return undefined;
}
