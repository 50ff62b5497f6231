import { skipToken, useQuery } from '@connectrpc/connect-query';
import { useMemo } from 'react';
import { Section } from '#src/components/section.tsx';
import { Failed, Loading } from '#src/components/states.tsx';
import { requirementsInput, requirementsPolling } from '#src/features/approvals/queries.ts';
import { RequirementsSection } from '#src/features/approvals/requirements-section.tsx';
import { reasonsByStage } from '#src/features/approvals/requirements-view.ts';
import { PipelineSection } from '#src/features/releases/pipeline-section.tsx';
import { PolicyService } from '#src/gen/forest/v1/policies_pb.ts';
import { PipelineRunStageStatus, type ReleaseIntentState } from '#src/gen/forest/v1/releases_pb.ts';
import { describeError } from '#src/lib/errors.ts';
import type { ArtifactParams } from './artifact-page.ts';

/** The state and requirements of a release, polled while it can change; of none without an id. */
export function useReleasePoll({ org, project }: ArtifactParams, releaseIntentId: string | undefined) {
  const input = releaseIntentId
    ? requirementsInput({ organisation: org, project, releaseIntentId })
    : skipToken;
  return useQuery(PolicyService.method.getReleaseRequirements, input, requirementsPolling);
}

export interface ReleasePanelProps {
  readonly params: ArtifactParams;
  /** The title of the build. */
  readonly heading: string;
  /** Project, version, branch and commit of the build. */
  readonly identity: string;
  /** Undefined if the build was never released. */
  readonly intent: ReleaseIntentState | undefined;
  readonly earlier: readonly ReleaseIntentState[];
  readonly poll: ReturnType<typeof useReleasePoll>;
}

/** One release of the build: its pipeline and what it requires. */
export function ReleasePanel({ params, heading, identity, intent, earlier, poll }: ReleasePanelProps) {
  const { org: organisation, project, slug } = params;
  const releaseIntentId = intent?.releaseIntentId;
  const reasons = useMemo(() => poll.data && reasonsByStage(poll.data), [poll.data]);
  return (
    <>
      <PipelineSection current={poll.data?.intent ?? intent} earlier={earlier} reasons={reasons} />
      {/* The right column of wide windows. Its height leaves the vote in the first screenful. */}
      <div data-side className="min-w-0 empty:hidden">
        {releaseIntentId && poll.data && (
          <RequirementsSection
            key={releaseIntentId}
            release={{ organisation, project, releaseIntentId }}
            releaseName={`${heading} (${slug})`}
            identity={identity}
            requirements={poll.data}
          />
        )}
        {poll.isPending && awaitsApproval(intent) && (
          <Section title="Policy Requirements" flush>
            <Loading />
          </Section>
        )}
        {poll.isError && !poll.data && (
          <Failed
            title="Couldn't load the policy requirements"
            message={describeError(poll.error).message}
            onRetry={() => poll.refetch()}
          />
        )}
      </div>
    </>
  );
}

/** Whether the release certainly has requirements, so that space is reserved while they load. */
function awaitsApproval(intent: ReleaseIntentState | undefined): boolean {
  return intent?.stages.some(({ status }) => status === PipelineRunStageStatus.AWAITING_APPROVAL) ?? false;
}
