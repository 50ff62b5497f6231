import {
  CircleCheck,
  CircleDashed,
  CircleX,
  Clock,
  Hourglass,
  LoaderCircle,
  type LucideIcon,
} from 'lucide-react';
import { lazy, Suspense } from 'react';
import { formatDuration } from '#domain/time/duration.ts';
import { classNames } from '#src/components/class-names.ts';
import { Countdown } from '#src/components/countdown.tsx';
import { Reason } from '#src/components/reason.tsx';
import { RelativeTime } from '#src/components/relative-time.tsx';
import { Spinner } from '#src/components/spinner.tsx';
import { UserText } from '#src/components/user-text.tsx';
import {
  type PipelineStageState,
  type ReleaseStepState,
  PipelineRunStageStatus as Stage,
  PipelineRunStageType as StageType,
} from '#src/gen/forest/v1/releases_pb.ts';
import { stageLabel, stepsOf, type Tone, waitsOf } from './stage-labels.ts';

// Without their code the buttons are missing until the page is loaded again.
const PlanActions = lazy(() => import('./plan-actions.tsx').catch(() => ({ default: () => null })));
const RetryStage = lazy(() => import('./retry-stage.tsx').catch(() => ({ default: () => null })));

const icons: Record<Tone, { readonly Icon: LucideIcon; readonly look: string }> = {
  passed: { Icon: CircleCheck, look: 'text-passed' },
  running: { Icon: LoaderCircle, look: 'text-running' },
  waiting: { Icon: Clock, look: 'text-waiting' },
  time: { Icon: Hourglass, look: 'text-muted' },
  failed: { Icon: CircleX, look: 'text-failed' },
  neutral: { Icon: CircleDashed, look: 'text-muted' },
};

export interface StageRowProps {
  readonly releaseIntentId: string;
  readonly stage: PipelineStageState;
  readonly steps: readonly ReleaseStepState[];
  /** Why the stage waits, if it does. */
  readonly reason: string | undefined;
}

/** One stage: status, environment, time, why it waits or failed, and its actions. */
export function StageRow({ releaseIntentId, stage, steps, reason }: StageRowProps) {
  const { label, tone, moving } = stageLabel(stage, steps);
  const { Icon, look } = icons[tone];
  const waits = stage.status === Stage.PENDING || stage.status === Stage.AWAITING_APPROVAL;
  return (
    <li className="flex min-w-0 gap-2 px-4 py-2 text-sm">
      <span className={`mt-0.5 flex shrink-0 ${look}`}>
        {moving ? <Spinner size={16} /> : <Icon aria-hidden size={16} />}
      </span>
      <div className="flex min-w-0 flex-1 flex-col gap-0.5">
        <div className="flex min-w-0 flex-wrap items-baseline gap-x-2">
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
          {stage.status === Stage.ACTIVE && stage.waitUntil && (
            <Countdown until={stage.waitUntil} after=" left" className="text-muted" />
          )}
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
        {waitsOf(stage, steps).map((wait) => (
          <p key={wait} className="text-waiting wrap-anywhere">
            <UserText>{wait}</UserText>
          </p>
        ))}
        {errorsOf(stage, steps).map((error) => (
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
function errorsOf(stage: PipelineStageState, steps: readonly ReleaseStepState[]): string[] {
  if (stage.errorMessage) return [stage.errorMessage];
  return stepsOf(stage, steps)
    .filter((step) => step.errorMessage)
    .map((step) => `${step.destinationName}: ${step.errorMessage}`);
}
