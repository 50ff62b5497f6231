import { type ReactNode, useState } from 'react';
import { AlertDialog, AlertDialogCancel } from '#src/components/alert-dialog.tsx';
import { Button } from '#src/components/button.tsx';
import { Field, Textarea } from '#src/components/field.tsx';
import { ActionError } from '#src/components/states.tsx';
import { UserText } from '#src/components/user-text.tsx';
import { type PipelineStageState, PipelineRunStageStatus as Stage } from '#src/gen/forest/v1/releases_pb.ts';
import { describeError } from '#src/lib/errors.ts';
import { PlanDialog } from './plan-dialog.tsx';
import { useApprovePlan, usePlanAgain, useRejectPlan } from './use-release.ts';

export interface PlanActionsProps {
  readonly releaseIntentId: string;
  readonly stage: PipelineStageState;
}

/** Shows a plan once it is ready; approves or rejects it while it waits. */
export default function PlanActions({ releaseIntentId, stage }: PlanActionsProps): ReactNode {
  const [open, setOpen] = useState<'plan' | 'reject'>();
  const approve = useApprovePlan();
  const reject = useRejectPlan();
  const again = usePlanAgain();
  const [reason, setReason] = useState('');
  const awaiting = stage.status === Stage.AWAITING_APPROVAL;
  const planned = awaiting || stage.status === Stage.SUCCEEDED || stage.status === Stage.FAILED;
  if (!planned) return null;
  const ids = { releaseIntentId, stageId: stage.stageId };
  const failure = approve.error ?? reject.error ?? again.error;

  const verdict = awaiting && stage.canApprovePlan && (
    <>
      <Button variant="approve" pending={approve.isPending} onClick={() => approve.mutate(ids)}>
        Approve plan
      </Button>
      <Button variant="reject" onClick={() => setOpen('reject')}>
        Reject plan
      </Button>
    </>
  );

  return (
    <div className="mt-1 flex min-w-0 flex-col gap-1.5">
      <div className="flex flex-wrap gap-2">
        <Button variant="text" className="-ml-3" onClick={() => setOpen('plan')}>
          View plan
        </Button>
        {stage.planStale && (
          <Button variant="text" pending={again.isPending} onClick={() => again.mutate(ids)}>
            Plan again
          </Button>
        )}
        {verdict}
      </div>
      {awaiting && !stage.canApprovePlan && stage.planBlockedReason && (
        <p className="text-muted wrap-anywhere">
          <UserText>{stage.planBlockedReason}</UserText>
        </p>
      )}
      {failure && open !== 'reject' && <ActionError>{describeError(failure).message}</ActionError>}
      {open === 'plan' && (
        <PlanDialog
          ids={ids}
          environment={stage.environment ?? stage.stageId}
          actions={
            verdict && (
              <>
                {failure && <ActionError>{describeError(failure).message}</ActionError>}
                {verdict}
              </>
            )
          }
          onClose={() => setOpen(undefined)}
        />
      )}
      <AlertDialog
        open={open === 'reject'}
        onOpenChange={(shown) => {
          if (!shown && !reject.isPending) setOpen(undefined);
        }}
        title="Reject plan?"
        description={`This fails the plan for ${stage.environment ?? stage.stageId} and cancels the stages that depend on it.`}
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
          optional
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
