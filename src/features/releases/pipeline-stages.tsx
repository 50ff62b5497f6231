import {
  type PipelineStageState,
  type ReleaseIntentState,
  PipelineRunStageStatus as Stage,
} from '#src/gen/forest/v1/releases_pb.ts';
import { inOrder } from './stage-order.ts';
import { StageRow } from './stage-row.tsx';

export interface PipelineStagesProps {
  readonly intent: ReleaseIntentState;
  /** By stage: why it waits as of now; a stage without an entry shows the reason that was stored when it was last looked at. */
  readonly reasons?: Readonly<Record<string, string>> | undefined;
}

/** A release's stages in the order of its graph, with how many of them are complete below. */
export function PipelineStages({ intent, reasons }: PipelineStagesProps) {
  // A cancelled release and its cancelled stages give the same reason: once is enough.
  const saidByStage = intent.stages.some((stage) => stage.errorMessage === intent.errorMessage);
  const succeeded = new Set(
    intent.stages.filter((stage) => stage.status === Stage.SUCCEEDED).map((stage) => stage.stageId),
  );
  // A stage that is not reached yet waits for those before it, whatever its policies will say then.
  const reached = (stage: PipelineStageState) => stage.dependsOn.every((id) => succeeded.has(id));
  return (
    <>
      <ol aria-label="Stages" className="divide-y divide-line">
        {inOrder(intent.stages).map((stage) => (
          <StageRow
            key={stage.stageId}
            releaseIntentId={intent.releaseIntentId}
            stage={stage}
            reason={reached(stage) ? (reasons?.[stage.stageId] ?? stage.reason) : undefined}
            steps={intent.steps}
          />
        ))}
      </ol>
      <div className="flex flex-col gap-1 border-t border-line px-4 py-2 text-xs text-muted">
        {intent.errorMessage && !saidByStage && (
          <p className="text-failed wrap-anywhere">{intent.errorMessage}</p>
        )}
        <p>{`${succeeded.size}/${intent.stages.length} stages complete`}</p>
      </div>
    </>
  );
}
