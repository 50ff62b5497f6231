import { lazy, Suspense, useId, useRef, useState } from 'react';
import { CountAnnouncer } from '#src/components/count-announcer.tsx';
import { useLoadedOnOpen } from '#src/components/loaded-on-open.ts';
import { ShortTime } from '#src/components/relative-time.tsx';
import { UserText } from '#src/components/user-text.tsx';
import { decisionAnchor, paths } from '#src/config/paths.ts';
import type {
  EnvironmentRequirements,
  GetReleaseRequirementsResponse,
  PolicyEvaluation,
} from '#src/gen/forest/v1/policies_pb.ts';
import { PipelineRunStageStatus, ReleaseIntentStatus } from '#src/gen/forest/v1/releases_pb.ts';
import { preloaded } from '#src/lib/after-load.ts';
import { replacesNewer } from '#src/lib/build-words.ts';
import { DecisionBar } from './decision-bar.tsx';
import { DecisionList } from './decision-list.tsx';
import { EvaluationRow } from './evaluation-row.tsx';
import type { ReleaseRef } from './queries.ts';
import { approvalsOf, authorLabel, countOf, hasVerdicts, isOpen, isVotable } from './requirements-view.ts';
import { useBallot } from './use-ballot.ts';
import { VoteForm } from './vote-form.tsx';

// Without their code they are missing until the page is loaded again.
const EnvironmentNotes = lazy(() => import('./environment-notes.tsx').catch(() => ({ default: () => null })));
const EndHold = lazy(() => import('./end-hold.tsx').catch(() => ({ default: () => null })));
const loadBypassDialog = preloaded(() => import('./bypass-dialog.tsx'));
const loadSheet = preloaded(() => import('./review-sheet.tsx'));

export interface EnvironmentPanelProps {
  readonly release: ReleaseRef;
  readonly releaseName: string;
  /** What is voted on: project, version, branch, commit and authors. */
  readonly identity: string;
  readonly requirements: GetReleaseRequirementsResponse;
  readonly environment: EnvironmentRequirements;
  /** Whether **Skip to decision** and the bar of narrow windows lead here. */
  readonly decides: boolean;
}

/** One environment's policies: what blocks, what passed, and the votes where approvals are required. */
export function EnvironmentPanel(props: EnvironmentPanelProps) {
  const { release, releaseName, identity, requirements, environment, decides } = props;
  const { organisation, project, releaseIntentId } = release;
  const headingId = useId();
  const heading = useRef<HTMLHeadingElement>(null);
  const [bypassing, setBypassing] = useState(false);
  const bypass = useLoadedOnOpen(bypassing, setBypassing, loadBypassDialog);
  const [reviewing, setReviewing] = useState(false);
  const sheet = useLoadedOnOpen(reviewing, setReviewing, loadSheet);
  const shown = hasVerdicts(requirements, environment) ? environment.evaluations : [];
  const approvals = approvalsOf(environment);
  const others = shown.filter((evaluation) => !approvals.includes(evaluation));
  const blocked = others.filter(({ passed }) => !passed);
  const passed = others.filter((evaluation) => evaluation.passed);
  const started = !isOpen(environment);
  const open = !started && requirements.intentStatus === ReleaseIntentStatus.ACTIVE;
  const votable = isVotable(requirements, environment);
  const ballot = useBallot(release, environment, votable);
  const stage = requirements.intent?.stages.find(({ stageId }) => stageId === environment.stageId);
  const bypassed = stage?.bypassedBy !== undefined;
  const decisions = approvals.length > 0 && (
    <DecisionList decisions={approvals[0]?.approvalState?.decisions ?? []} />
  );
  const row = (evaluation: PolicyEvaluation) => (
    <EvaluationRow
      key={evaluation.policyId || evaluation.policyName}
      evaluation={evaluation}
      author={authorLabel(requirements)}
      open={open}
      bypassed={bypassed}
    />
  );
  const announced = approvals.map((one) => `${countOf(one)} approvals`).join(', ');
  const voteForm = {
    ballot,
    ownRelease: requirements.isReleaseAuthor
      ? paths.release(organisation, project, requirements.intent?.slug ?? '', releaseIntentId)
      : undefined,
    onBypass: () => setBypassing(true),
  };

  return (
    <section
      aria-labelledby={headingId}
      className="flex min-w-0 flex-col gap-2.5 border-line px-4 py-3 not-first-of-type:border-t"
    >
      <h3
        id={headingId}
        ref={heading}
        tabIndex={-1}
        className="text-sm font-semibold outline-none wrap-anywhere"
      >
        <UserText>{environment.environment}</UserText>
      </h3>
      {open && <Direction environment={environment} />}
      {started && (
        <p className="text-xs text-muted">
          {environment.openedAt ? (
            <>
              Opened <ShortTime value={environment.openedAt} />
              {` · ${shown.filter((one) => one.passed).length}/${shown.length} passed`}
              {bypassed && ` · ${approvals.length} bypassed`}
            </>
          ) : (
            `This deployment ${startedLabel(environment, votable)}.`
          )}
        </p>
      )}
      {approvals.length > 0 && shown.length > 0 && (
        <ul aria-label="Approvals" className="flex flex-col gap-1.5">
          {approvals.map(row)}
        </ul>
      )}
      {decisions}
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
      {open && (environment.warnings.length > 0 || environment.destinationChanges.length > 0) && (
        <Suspense>
          <EnvironmentNotes environment={environment} />
        </Suspense>
      )}
      {passed.length > 0 && (
        <details className="text-sm">
          <summary className="w-fit cursor-pointer text-muted hover:text-ink">
            {passed.length === 1 ? '1 passed policy' : `${passed.length} passed policies`}
          </summary>
          <ul className="mt-2 flex flex-col gap-1.5">{passed.map(row)}</ul>
        </details>
      )}
      {approvals.length > 0 && (
        <>
          <CountAnnouncer message={`${environment.environment}: ${announced}`} />
          {/* In view at the foot of the column, however many decisions there are. */}
          <div className="-mx-4 -mb-3 border-t border-line bg-surface px-4 py-3 empty:hidden has-[form:empty]:hidden lg:in-data-side:sticky lg:in-data-side:bottom-0">
            <VoteForm
              {...voteForm}
              id={decides ? decisionAnchor : undefined}
              onRecorded={(focusLost) => focusLost && heading.current?.focus({ preventScroll: true })}
            />
          </div>
        </>
      )}
      {decides && <DecisionBar environment={environment} onReview={() => setReviewing(true)} />}
      {reviewing && sheet && (
        <sheet.ReviewSheet environment={environment} identity={identity} onClose={() => setReviewing(false)}>
          <Direction environment={environment} />
          {decisions}
          {!votable && <p className="text-sm">The deployment has started or ended. Votes no longer count.</p>}
          <VoteForm
            {...voteForm}
            onBypass={() => {
              setReviewing(false);
              setBypassing(true);
            }}
            onRecorded={() => setReviewing(false)}
          />
        </sheet.ReviewSheet>
      )}
      {bypassing && bypass && (
        <bypass.BypassDialog
          release={release}
          releaseName={releaseName}
          requirements={requirements}
          environment={environment}
          onClose={() => setBypassing(false)}
        />
      )}
    </section>
  );
}

/** What an approval would replace, if that is newer. */
function Direction({ environment }: { readonly environment: EnvironmentRequirements }) {
  const text = replacesNewer(environment.direction, environment.live[0]);
  return (
    text && (
      <p className="text-sm font-medium text-failed wrap-anywhere">
        <UserText>{text}</UserText>
      </p>
    )
  );
}

function startedLabel({ stageStatus }: EnvironmentRequirements, votable: boolean): string {
  if (votable) return 'is queued, and votes still count';
  return stageStatus === PipelineRunStageStatus.CANCELLED ? 'was cancelled' : 'has started';
}
