import { useState } from 'react';
import { AlertDialog, AlertDialogCancel } from '#src/components/alert-dialog.tsx';
import { Button } from '#src/components/button.tsx';
import { Field, Textarea } from '#src/components/field.tsx';
import { ActionError } from '#src/components/states.tsx';
import { type PipelineStageState, PipelineRunStageStatus as Stage } from '#src/gen/forest/v1/releases_pb.ts';
import { describeError } from '#src/lib/errors.ts';
import { PlanDialog } from './plan-dialog.tsx';
import { useApprovePlan, useRejectPlan } from './use-release.ts';

export interface PlanActionsProps {
  readonly releaseIntentId: string;
  readonly stage: PipelineStageState;
}

/** What can be done with a plan: look at it once it is there, and while it waits approve or reject it. */
export function PlanActions({ releaseIntentId, stage }: PlanActionsProps) {
  const [open, setOpen] = useState<'plan' | 'reject'>();
  const approve = useApprovePlan();
  const reject = useRejectPlan();
  const [reason, setReason] = useState('');
  const awaiting = stage.status === Stage.AWAITING_APPROVAL;
  const planned = awaiting || stage.status === Stage.SUCCEEDED || stage.status === Stage.FAILED;
  if (!planned) return null;
  const ids = { releaseIntentId, stageId: stage.stageId };
  const failure = approve.error ?? reject.error;

  return (
    <div className="mt-1 flex min-w-0 flex-col gap-1.5">
      <div className="flex flex-wrap gap-2">
        <Button onClick={() => setOpen('plan')}>View plan</Button>
        {awaiting && stage.canApprovePlan && (
          <>
            <Button variant="approve" pending={approve.isPending} onClick={() => approve.mutate(ids)}>
              Approve plan
            </Button>
            <Button variant="reject" onClick={() => setOpen('reject')}>
              Reject plan
            </Button>
          </>
        )}
      </div>
      {awaiting && !stage.canApprovePlan && stage.planBlockedReason && (
        <p className="text-muted wrap-anywhere">{stage.planBlockedReason}</p>
      )}
      {failure && open !== 'reject' && <ActionError>{describeError(failure).message}</ActionError>}
      {open === 'plan' && (
        <PlanDialog
          ids={ids}
          environment={stage.environment ?? stage.stageId}
          onClose={() => setOpen(undefined)}
        />
      )}
      <AlertDialog
        open={open === 'reject'}
        onOpenChange={(shown) => {
          if (!shown && !reject.isPending) setOpen(undefined);
        }}
        title="Reject plan?"
        description={`The plan for ${stage.environment ?? stage.stageId} fails, and the stages that depend on it are cancelled.`}
        onSubmit={() => {
          if (reject.isPending) return;
          reject.mutate(
            { ...ids, reason: reason.trim() || undefined },
            { onSuccess: () => setOpen(undefined) },
          );
        }}
        actions={
          <>
            <AlertDialogCancel />
            <Button type="submit" variant="danger" pending={reject.isPending}>
              Reject plan
            </Button>
          </>
        }
      >
        <Field
          label="Reason"
          hint="Optional."
          className="mt-4"
          error={reject.error ? describeError(reject.error).message : undefined}
        >
          {(control) => (
            <Textarea {...control} value={reason} onChange={(event) => setReason(event.target.value)} />
          )}
        </Field>
      </AlertDialog>
    </div>
  );
}
