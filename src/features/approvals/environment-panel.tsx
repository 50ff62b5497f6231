import { lazy, Suspense, useId, useRef, useState } from 'react';
import { Badge, type BadgeTone } from '#src/components/badge.tsx';
import { CountAnnouncer } from '#src/components/count-announcer.tsx';
import { useLoadedOnOpen } from '#src/components/loaded-on-open.ts';
import { RelativeTime } from '#src/components/relative-time.tsx';
import { UserText } from '#src/components/user-text.tsx';
import { WarningList } from '#src/components/warning-list.tsx';
import {
  type EnvironmentRequirements,
  type GetReleaseRequirementsResponse,
  type PolicyEvaluation,
  PolicyWarningKind,
} from '#src/gen/forest/v1/policies_pb.ts';
import { PipelineRunStageStatus, ReleaseIntentStatus } from '#src/gen/forest/v1/releases_pb.ts';
import { policyWarningMessage } from '#src/lib/policy-warning-message.ts';
import { DecisionList } from './decision-list.tsx';
import { EvaluationRow } from './evaluation-row.tsx';
import { DestinationChanges } from './pending-facts.tsx';
import { directionLabel } from './pending-view.ts';
import type { ReleaseRef } from './queries.ts';
import { approvalsOf, authorLabel, isOpen, isVotable } from './requirements-view.ts';
import { VoteForm } from './vote-form.tsx';

// Without its code the button is missing until the page is loaded again.
const EndHold = lazy(() => import('./end-hold.tsx').catch(() => ({ default: () => null })));
const loadBypassDialog = () => import('./bypass-dialog.tsx');

export interface EnvironmentPanelProps {
  readonly release: ReleaseRef;
  readonly releaseName: string;
  readonly requirements: GetReleaseRequirementsResponse;
  readonly environment: EnvironmentRequirements;
}

/** One environment's policies: what blocks, what passed, and the votes where approvals are required. */
export function EnvironmentPanel({ release, releaseName, requirements, environment }: EnvironmentPanelProps) {
  const headingId = useId();
  const heading = useRef<HTMLHeadingElement>(null);
  const [bypassing, setBypassing] = useState(false);
  const bypass = useLoadedOnOpen(bypassing, setBypassing, loadBypassDialog);
  const blocked = environment.evaluations.filter(({ passed }) => !passed);
  const passed = environment.evaluations.filter((evaluation) => evaluation.passed);
  const approvals = approvalsOf(environment);
  const started = !isOpen(environment);
  const open = !started && requirements.intentStatus === ReleaseIntentStatus.ACTIVE;
  const votable = isVotable(requirements, environment);
  const direction = directionLabel(environment.direction);
  const [live] = environment.live;
  const stage = requirements.intent?.stages.find(({ stageId }) => stageId === environment.stageId);
  const bypassed = stage?.bypassedBy !== undefined;
  const focusHeading = () => heading.current?.focus({ preventScroll: true });
  const row = (evaluation: PolicyEvaluation) => (
    <EvaluationRow
      key={evaluation.policyId || evaluation.policyName}
      evaluation={evaluation}
      author={authorLabel(requirements)}
      open={open}
      bypassed={bypassed}
    />
  );

  return (
    <section
      aria-labelledby={headingId}
      className="flex min-w-0 flex-col gap-3 border-line px-4 py-3 not-first:border-t"
    >
      <h3
        id={headingId}
        ref={heading}
        tabIndex={-1}
        className="text-sm font-semibold outline-none wrap-anywhere"
      >
        <UserText>{environment.environment}</UserText>
      </h3>
      {open && direction && (
        <p className="text-sm font-medium text-failed wrap-anywhere">
          {direction}
          {live && (
            <>
              : replaces <UserText>{live.version || live.slug}</UserText>, which is newer
            </>
          )}
        </p>
      )}
      {started && (
        <p className="text-xs text-muted">
          {environment.openedAt ? (
            <>
              Opened <RelativeTime value={environment.openedAt} />
              {` · ${passed.length}/${environment.evaluations.length} passed`}
              {bypassed && ` · ${approvals.length} bypassed`}
            </>
          ) : (
            `This deployment ${startedLabel(environment, votable)}. The policies are shown as they are now.`
          )}
        </p>
      )}
      {blocked.length > 0 && (
        <ul aria-label="Blocking policies" className="flex flex-col gap-1.5">
          {blocked.map(row)}
        </ul>
      )}
      {open && environment.canEndHold?.allowed && (
        <Suspense>
          <EndHold release={release} environment={environment.environment} />
        </Suspense>
      )}
      {open && (
        <WarningList
          label={`Warnings about ${environment.environment}`}
          // The heading tells of a rollback.
          warnings={environment.warnings
            .filter(({ kind }) => kind !== PolicyWarningKind.ROLLBACK)
            .map((warning) => policyWarningMessage(warning, 'release'))}
        />
      )}
      {open && <DestinationChanges changes={environment.destinationChanges} />}
      {passed.length > 0 && (
        <details className="text-sm">
          <summary className="w-fit cursor-pointer text-muted hover:text-ink">
            {passed.length === 1 ? '1 passed policy' : `${passed.length} passed policies`}
          </summary>
          <ul className="mt-2 flex flex-col gap-1.5">{passed.map(row)}</ul>
        </details>
      )}
      {approvals.length > 0 && (
        <div className="flex min-w-0 flex-col gap-3 rounded-md bg-sunken/60 p-3">
          <Counts
            approvals={approvals}
            environment={environment.environment}
            open={open}
            bypassed={bypassed}
          />
          <DecisionList decisions={approvals[0]?.approvalState?.decisions ?? []} />
          <VoteForm
            open={votable}
            release={release}
            environment={environment}
            ownRelease={requirements.isReleaseAuthor && !requirements.isAdmin}
            onBypass={() => setBypassing(true)}
            onFocusLost={focusHeading}
          />
        </div>
      )}
      {bypassing && bypass && (
        <bypass.BypassDialog
          release={release}
          releaseName={releaseName}
          environment={environment}
          tooLate={tooLateMessage(requirements, environment)}
          onClose={() => setBypassing(false)}
        />
      )}
    </section>
  );
}

interface CountsProps {
  readonly approvals: readonly PolicyEvaluation[];
  readonly environment: string;
  /** Whether a missing vote is still needed. */
  readonly open: boolean;
  /** Whether a bypass counts, or has opened the gate. */
  readonly bypassed: boolean;
}

/** The count of each approval policy, with its name where there are several. */
function Counts({ approvals, environment, open, bypassed }: CountsProps) {
  const announced = approvals
    .map(({ approvalState: state }) =>
      state ? `${state.currentApprovals} of ${state.requiredApprovals} approvals` : 'approvals unknown',
    )
    .join(', ');
  return (
    <div className="flex flex-wrap items-center gap-2">
      {approvals.map((one) => (
        <span key={one.policyId || one.policyName} className="flex min-w-0 flex-wrap items-center gap-1.5">
          <Badge tone={toneOf(one, open, bypassed)}>
            {`${one.approvalState?.currentApprovals ?? 0}/${one.approvalState?.requiredApprovals ?? '?'} approvals`}
          </Badge>
          {approvals.length > 1 && (
            <span className="text-xs text-muted wrap-anywhere">
              <UserText>{one.policyName}</UserText>
            </span>
          )}
          {bypassed && <Badge tone="bypassed">Bypassed</Badge>}
        </span>
      ))}
      <CountAnnouncer message={`${environment}: ${announced}`} />
    </div>
  );
}

/** A bypass is no approval: what passes by one is not green. */
function toneOf({ passed }: PolicyEvaluation, open: boolean, bypassed: boolean): BadgeTone {
  if (bypassed) return 'neutral';
  return passed ? 'passed' : open ? 'waiting' : 'neutral';
}

function startedLabel({ stageStatus }: EnvironmentRequirements, votable: boolean): string {
  if (votable) return 'is queued, and votes still count';
  return stageStatus === PipelineRunStageStatus.CANCELLED ? 'was cancelled' : 'has started';
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
