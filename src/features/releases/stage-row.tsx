import { lazy, Suspense } from 'react';
import { formatDuration } from '#domain/time/duration.ts';
import { Badge, ToneIcon, toneText } from '#src/components/badge.tsx';
import { classNames } from '#src/components/class-names.ts';
import { Countdown } from '#src/components/countdown.tsx';
import { Reason } from '#src/components/reason.tsx';
import { ShortTime } from '#src/components/relative-time.tsx';
import { UserText } from '#src/components/user-text.tsx';
import {
  type PipelineStageState,
  type ReleaseStepState,
  PipelineRunStageStatus as Stage,
  PipelineRunStageType as StageType,
} from '#src/gen/forest/v1/releases_pb.ts';
import { LogButton } from './log-button.tsx';
import { causeOf, stageLabel, stepsOf, waitsOf } from './stage-labels.ts';

// Without their code the buttons are missing until the page is loaded again.
const PlanActions = lazy(() => import('./plan-actions.tsx').catch(() => ({ default: () => null })));
const RetryStage = lazy(() => import('./retry-stage.tsx').catch(() => ({ default: () => null })));

export interface StageRowProps {
  readonly releaseIntentId: string;
  readonly slug: string;
  readonly stage: PipelineStageState;
  readonly steps: readonly ReleaseStepState[];
  /** Why the stage waits, where Policy Requirements does not say it. */
  readonly reason: string | undefined;
}

/** One stage: status, environment, what it waits for, time, why it failed, and its actions. */
export function StageRow({ releaseIntentId, slug, stage, steps, reason }: StageRowProps) {
  const { label, tone } = stageLabel(stage, steps);
  const time = stage.completedAt ?? stage.startedAt ?? stage.queuedAt;
  const cause = causeOf(stage);
  const own = stepsOf(stage, steps);
  return (
    <li className="flex min-w-0 gap-2 px-4 py-1.5 text-sm">
      <span className={`flex h-8 items-center pointer-coarse:h-11 ${toneText[cause?.tone ?? tone]}`}>
        <ToneIcon tone={cause?.tone ?? tone} size={16} />
      </span>
      <div className="flex min-w-0 flex-1 flex-col gap-0.5">
        <div className="flex min-h-8 min-w-0 flex-wrap items-center gap-x-2 pointer-coarse:min-h-11">
          <span className="min-w-0 wrap-anywhere">
            <span>{label}</span>
            {stage.environment && (
              <>
                {' '}
                <strong className="font-semibold">
                  <UserText>{stage.environment}</UserText>
                </strong>
              </>
            )}
            {stage.stageType === StageType.WAIT && stage.status !== Stage.ACTIVE && stage.durationSeconds && (
              <span className="text-muted"> {formatDuration(Number(stage.durationSeconds))}</span>
            )}
          </span>
          {cause && <Badge tone={cause.tone}>{cause.label}</Badge>}
          {stage.status === Stage.ACTIVE && stage.waitUntil && (
            <Countdown until={stage.waitUntil} after=" left" className="text-muted" />
          )}
          <span className="ml-auto flex items-center gap-x-2">
            {time && (
              <span className="text-xs text-muted">
                {!stage.completedAt && 'since '}
                <ShortTime value={time} />
              </span>
            )}
            <LogButton name={stage.environment ?? stage.stageId} steps={own} slug={slug} />
          </span>
        </div>
        {[...(reason ? [reason] : []), ...waitsOf(stage, steps)].map((wait) => (
          <p key={wait} className="text-muted wrap-anywhere">
            <Reason>{wait}</Reason>
          </p>
        ))}
        {errorsOf(stage, own).map((error) => (
          <p
            key={error}
            className={classNames(
              'whitespace-pre-wrap wrap-anywhere',
              tone === 'failed' ? 'text-failed' : 'text-muted',
            )}
          >
            <UserText>{error}</UserText>
          </p>
        ))}
        <Suspense>
          {stage.stageType === StageType.PLAN && (
            <PlanActions releaseIntentId={releaseIntentId} stage={stage} />
          )}
          {stage.canRetry && <RetryStage releaseIntentId={releaseIntentId} stage={stage} />}
        </Suspense>
      </div>
    </li>
  );
}

/** The stage's own error, else those of its releases after their destination's name. */
function errorsOf(stage: PipelineStageState, own: readonly ReleaseStepState[]): string[] {
  if (stage.errorMessage) return [stage.errorMessage];
  return own
    .filter((step) => step.errorMessage)
    .map((step) => `${step.destinationName}: ${step.errorMessage}`);
}
