import { formatDuration } from '#domain/time/duration.ts';
import { classNames } from '#src/components/class-names.ts';
import { Reason } from '#src/components/reason.tsx';
import { RelativeTime } from '#src/components/relative-time.tsx';
import {
  type PipelineStageState,
  type ReleaseStepState,
  PipelineRunStageStatus as Stage,
  PipelineRunStageType as StageType,
} from '#src/gen/forest/v1/releases_pb.ts';
import { PlanActions } from './plan-actions.tsx';
import { StageIcon } from './stage-icon.tsx';
import { stageWords, stepsOf } from './stage-words.ts';
import { TimeLeft } from './time-left.tsx';

export interface StageRowProps {
  readonly releaseIntentId: string;
  readonly stage: PipelineStageState;
  readonly steps: readonly ReleaseStepState[];
  /** Why the stage waits, if it does. */
  readonly reason: string | undefined;
}

/** One stage: what is going on, where, since when, why it waits or what went wrong, and for plans what can be done. */
export function StageRow({ releaseIntentId, stage, steps, reason }: StageRowProps) {
  const view = stageWords(stage, steps);
  const errors = stageErrors(stage, steps);
  const waits = stage.status === Stage.PENDING || stage.status === Stage.AWAITING_APPROVAL;
  // A reason says itself how much time is left.
  const until = stage.status === Stage.ACTIVE ? stage.waitUntil : undefined;
  return (
    <li className="flex min-w-0 gap-2 px-4 py-2 text-sm">
      <StageIcon view={view} />
      <div className="flex min-w-0 flex-1 flex-col gap-0.5">
        <div className="flex min-w-0 flex-wrap items-baseline gap-x-2">
          <span className="min-w-0 wrap-anywhere">
            <span>{view.words}</span>
            {stage.environment && (
              <>
                {' '}
                <strong className="font-semibold">{stage.environment}</strong>
              </>
            )}
            {stage.stageType === StageType.WAIT && stage.status !== Stage.ACTIVE && stage.durationSeconds && (
              <span className="text-muted"> {formatDuration(Number(stage.durationSeconds))}</span>
            )}
          </span>
          {until && <TimeLeft until={until} />}
          <RelativeTime
            value={stage.completedAt ?? stage.startedAt ?? stage.queuedAt}
            className="ml-auto text-xs text-muted"
          />
        </div>
        {waits && reason && (
          <p className="text-waiting wrap-anywhere">
            <Reason>{reason}</Reason>
          </p>
        )}
        {errors.map((error) => (
          <p
            key={error}
            className={classNames(
              'whitespace-pre-wrap wrap-anywhere',
              view.tone === 'failed' ? 'text-failed' : 'text-muted',
            )}
          >
            {error}
          </p>
        ))}
        {stage.stageType === StageType.PLAN && (
          <PlanActions releaseIntentId={releaseIntentId} stage={stage} />
        )}
      </div>
    </li>
  );
}

/** The stage's own error, else those of its releases with the destination's name in front. */
function stageErrors(stage: PipelineStageState, steps: readonly ReleaseStepState[]): string[] {
  if (stage.errorMessage) return [stage.errorMessage];
  return stepsOf(stage, steps)
    .filter((step) => step.errorMessage)
    .map((step) => `${step.destinationName}: ${step.errorMessage}`);
}
