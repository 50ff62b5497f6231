import { useQuery } from '@connectrpc/connect-query';
import { type ReactNode, useState } from 'react';
import { Checkbox } from '#src/components/checkbox.tsx';
import { classNames } from '#src/components/class-names.ts';
import { Dialog } from '#src/components/dialog.tsx';
import { Empty, Failed, Loading } from '#src/components/states.tsx';
import { UserText } from '#src/components/user-text.tsx';
import { ReleaseService } from '#src/gen/forest/v1/releases_pb.ts';
import { describeError } from '#src/lib/errors.ts';
import { visibleText } from '#src/lib/visible-text.ts';

export interface PlanDialogProps {
  readonly ids: { readonly releaseIntentId: string; readonly stageId: string };
  readonly environment: string;
  /** The buttons of the verdict, for who may give it. */
  readonly actions: ReactNode;
  readonly onClose: () => void;
}

/** The plan of each destination of a plan stage, with its verdict. Mounted while open. */
export function PlanDialog({ ids, environment, actions, onClose }: PlanDialogProps) {
  const plan = useQuery(ReleaseService.method.getPlanOutput, ids);
  const [wraps, setWraps] = useState(false);
  return (
    <Dialog
      open
      wide
      onOpenChange={(open) => !open && onClose()}
      title={`Plan for ${environment}`}
      actions={actions}
    >
      {plan.isPending && <Loading label="Loading the plan…" />}
      {plan.isError && !plan.data && (
        <Failed
          title="Couldn't load the plan"
          message={describeError(plan.error).message}
          onRetry={() => plan.refetch()}
          retrying={plan.isFetching}
        />
      )}
      {plan.data && plan.data.outputs.length === 0 && !plan.data.planOutput && (
        <Empty title="The plan has no output" />
      )}
      {plan.data?.planOutput && (
        <Checkbox
          label="Wrap long lines"
          checked={wraps}
          onChange={(event) => setWraps(event.target.checked)}
          className="mb-2"
        />
      )}
      {plan.data && plan.data.outputs.length === 0 && plan.data.planOutput && (
        <PlanText text={plan.data.planOutput} label={`Plan for ${environment}`} wraps={wraps} />
      )}
      {plan.data?.outputs.map((output) => (
        <div key={output.destinationId} className="mt-3 first:mt-0">
          <h3 className="mb-1 text-sm font-medium wrap-anywhere">
            <UserText>{output.destinationName}</UserText>
          </h3>
          <PlanText text={output.planOutput} label={`Plan for ${output.destinationName}`} wraps={wraps} />
        </div>
      ))}
    </Dialog>
  );
}

interface PlanTextProps {
  readonly text: string;
  readonly label: string;
  readonly wraps: boolean;
}

function PlanText({ text, label, wraps }: PlanTextProps) {
  if (!text) return <p className="text-sm text-muted">No output</p>;
  return (
    <section
      aria-label={visibleText(label)}
      // biome-ignore lint/a11y/noNoninteractiveTabindex: a scrolling region must be scrollable by keyboard.
      tabIndex={0}
      className="max-h-[50vh] overflow-auto rounded-md bg-sunken p-3"
    >
      <pre className={classNames('font-mono text-xs', wraps && 'whitespace-pre-wrap wrap-anywhere')}>
        <UserText>{text}</UserText>
      </pre>
    </section>
  );
}
