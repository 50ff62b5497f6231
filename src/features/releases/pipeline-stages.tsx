import { UserText } from '#src/components/user-text.tsx';
import {
  type PipelineStageState,
  type ReleaseIntentState,
  PipelineRunStageStatus as Stage,
} from '#src/gen/forest/v1/releases_pb.ts';
import { causeOf, isPolicyCause } from './stage-labels.ts';
import { inOrder } from './stage-order.ts';
import { StageRow } from './stage-row.tsx';

export interface PipelineStagesProps {
  readonly intent: ReleaseIntentState;
  /** What Policy Requirements says about each stage that waits, by stage id; the stage does not repeat it. */
  readonly reasons?: Readonly<Record<string, string>> | undefined;
}

/** A release's stages in the order of their dependencies, and how many are complete. */
export function PipelineStages({ intent, reasons }: PipelineStagesProps) {
  // A cancelled release and its cancelled stages have the same reason.
  const shownByStage = intent.stages.some((stage) => stage.errorMessage === intent.errorMessage);
  const succeeded = new Set(
    intent.stages.filter((stage) => stage.status === Stage.SUCCEEDED).map((stage) => stage.stageId),
  );
  // Until its dependencies succeed, a stage waits for them and not for its policies.
  const reached = (stage: PipelineStageState) => stage.dependsOn.every((id) => succeeded.has(id));
  return (
    <>
      <ol aria-label="Stages" className="divide-y divide-line">
        {inOrder(intent.stages).map((stage) => (
          <StageRow
            key={stage.stageId}
            releaseIntentId={intent.releaseIntentId}
            stage={stage}
            slug={intent.slug}
            reason={reached(stage) && !isExplained(stage, reasons) ? stage.reason : undefined}
            steps={intent.steps}
          />
        ))}
      </ol>
      <div className="flex flex-col gap-1 border-t border-line px-4 py-2 text-xs text-muted">
        {intent.errorMessage && !shownByStage && (
          <p className="text-failed wrap-anywhere">
            <UserText>{intent.errorMessage}</UserText>
          </p>
        )}
        <p>{`${succeeded.size}/${intent.stages.length} stages complete`}</p>
      </div>
    </>
  );
}

/** Whether Policy Requirements says why a stage waits. */
function isExplained(stage: PipelineStageState, reasons: PipelineStagesProps['reasons']): boolean {
  const cause = causeOf(stage);
  return reasons?.[stage.stageId] !== undefined || (cause !== undefined && isPolicyCause(cause));
}
