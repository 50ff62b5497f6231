import { useId, useState } from 'react';
import { Badge } from '#src/components/badge.tsx';
import { CountAnnouncer } from '#src/components/count-announcer.tsx';
import { WarningList } from '#src/components/warning-list.tsx';
import type {
  EnvironmentRequirements,
  GetReleaseRequirementsResponse,
  PolicyEvaluation,
} from '#src/gen/forest/v1/policies_pb.ts';
import { PipelineRunStageStatus, ReleaseIntentStatus } from '#src/gen/forest/v1/releases_pb.ts';
import { policyWarningWords } from '#src/lib/policy-warning-words.ts';
import { authorWords } from './author-words.ts';
import { BypassDialog } from './bypass-dialog.tsx';
import { DecisionList } from './decision-list.tsx';
import { EvaluationRow } from './evaluation-row.tsx';
import { useFocusFallback } from './focus-fallback.ts';
import type { Voter } from './optimistic-vote.ts';
import type { ReleaseRef } from './queries.ts';
import { approvalsOf, split, stillOpen } from './requirements-view.ts';
import { VoteForm } from './vote-form.tsx';

export interface EnvironmentPanelProps {
  readonly release: ReleaseRef;
  readonly releaseName: string;
  readonly requirements: GetReleaseRequirementsResponse;
  readonly environment: EnvironmentRequirements;
  readonly voter: Voter | undefined;
}

/** One environment's policies: what blocks, what passed, and, where approvals are asked for, the votes. */
export function EnvironmentPanel({
  release,
  releaseName,
  requirements,
  environment,
  voter,
}: EnvironmentPanelProps) {
  const headingId = useId();
  const [bypassing, setBypassing] = useState(false);
  const focus = useFocusFallback<HTMLDivElement, HTMLHeadingElement>();
  const { blocked, passed } = split(environment);
  const approvals = approvalsOf(environment);
  const open = stillOpen(environment) && requirements.intentStatus === ReleaseIntentStatus.ACTIVE;

  return (
    <section
      aria-labelledby={headingId}
      className="flex min-w-0 flex-col gap-3 border-line px-4 py-3 not-first:border-t"
      {...focus.area}
    >
      <h3
        id={headingId}
        ref={focus.fallback}
        tabIndex={-1}
        className="text-sm font-semibold outline-none wrap-anywhere"
      >
        {environment.environment}
      </h3>
      {!stillOpen(environment) && (
        <p className="text-xs text-muted">
          {environment.stageStatus === PipelineRunStageStatus.CANCELLED
            ? 'This deployment was cancelled. '
            : 'This deployment has started. '}
          The policies are shown as they stand now.
        </p>
      )}
      {blocked.length > 0 && (
        <ul aria-label="Blocking policies" className="flex flex-col gap-1.5">
          {blocked.map((one) => (
            <EvaluationRow
              key={one.policyId || one.policyName}
              evaluation={one}
              author={authorWords(requirements)}
              open={open}
            />
          ))}
        </ul>
      )}
      {open && (
        <WarningList
          label={`Warnings about ${environment.environment}`}
          warnings={environment.warnings.map((warning) => policyWarningWords(warning, 'release'))}
        />
      )}
      {passed.length > 0 && <PassedFold passed={passed} author={authorWords(requirements)} open={open} />}
      {approvals.length > 0 && (
        <div className="flex min-w-0 flex-col gap-3 rounded-md bg-sunken/60 p-3">
          <Counts approvals={approvals} environment={environment.environment} open={open} />
          <DecisionList decisions={approvals[0]?.approvalState?.decisions ?? []} />
          {voter && (
            <VoteForm
              open={open}
              release={release}
              environment={environment}
              voter={voter}
              ownRelease={requirements.isReleaseAuthor && !requirements.isAdmin}
              onBypass={() => setBypassing(true)}
            />
          )}
        </div>
      )}
      {bypassing && voter && (
        <BypassDialog
          release={release}
          releaseName={releaseName}
          environment={environment}
          voter={voter}
          tooLate={tooLateWords(requirements, environment)}
          onClose={() => setBypassing(false)}
        />
      )}
    </section>
  );
}

function PassedFold({
  passed,
  author,
  open,
}: {
  readonly passed: readonly PolicyEvaluation[];
  readonly author: string;
  readonly open: boolean;
}) {
  return (
    <details className="text-sm">
      <summary className="w-fit cursor-pointer text-muted hover:text-ink">
        {passed.length === 1 ? '1 passed policy' : `${passed.length} passed policies`}
      </summary>
      <ul className="mt-2 flex flex-col gap-1.5">
        {passed.map((one) => (
          <EvaluationRow key={one.policyId || one.policyName} evaluation={one} author={author} open={open} />
        ))}
      </ul>
    </details>
  );
}

/** The count of each approval policy; its name stands beside it where there are several. */
function Counts({
  approvals,
  environment,
  open,
}: {
  readonly approvals: readonly PolicyEvaluation[];
  readonly environment: string;
  /** Whether a missing vote is still waited for. */
  readonly open: boolean;
}) {
  const spoken = approvals
    .map(({ approvalState: state }) =>
      state ? `${state.currentApprovals} of ${state.requiredApprovals} approvals` : 'approvals unknown',
    )
    .join(', ');
  return (
    <div className="flex flex-wrap items-center gap-2">
      {approvals.map((one) => (
        <span key={one.policyId || one.policyName} className="flex min-w-0 flex-wrap items-center gap-1.5">
          <Badge tone={one.passed ? 'passed' : open ? 'waiting' : 'neutral'}>
            {`${one.approvalState?.currentApprovals ?? 0}/${one.approvalState?.requiredApprovals ?? '?'} approvals`}
          </Badge>
          {approvals.length > 1 && <span className="text-xs text-muted wrap-anywhere">{one.policyName}</span>}
          {one.approvalState?.bypassedBy && <Badge tone="failed">Bypassed</Badge>}
        </span>
      ))}
      <CountAnnouncer words={`${environment}: ${spoken}`} />
    </div>
  );
}

function tooLateWords(
  requirements: GetReleaseRequirementsResponse,
  environment: EnvironmentRequirements,
): string | undefined {
  if (requirements.intentStatus !== ReleaseIntentStatus.ACTIVE) {
    return 'This release has ended in the meantime: there is nothing left to bypass. Nothing was sent.';
  }
  if (!stillOpen(environment)) {
    return `The deployment to ${environment.environment} has started or ended in the meantime: there is nothing left to bypass. Nothing was sent.`;
  }
  if (environment.canBypass && !environment.canBypass.allowed) {
    return environment.canBypass.reason || 'You may not bypass this approval any more. Nothing was sent.';
  }
  return undefined;
}
