import { skipToken, useQuery, useTransport } from '@connectrpc/connect-query';
import { useQueryClient } from '@tanstack/react-query';
import { useEffect, useMemo, useRef, useState } from 'react';
import { useParams } from 'react-router';
import { Badge } from '#src/components/badge.tsx';
import { Page } from '#src/components/page.tsx';
import { Section } from '#src/components/section.tsx';
import { Failed, Loading, StaleBar } from '#src/components/states.tsx';
import { paths } from '#src/config/paths.ts';
import { type ReleaseRef, requirementsInput } from '#src/features/approvals/queries.ts';
import { requirementsPolling } from '#src/features/approvals/requirements-polling.ts';
import { RequirementsSection } from '#src/features/approvals/requirements-section.tsx';
import { reasonsByStage } from '#src/features/approvals/requirements-view.ts';
import { useIsVoting } from '#src/features/approvals/use-vote.ts';
import { ArtifactHeader } from '#src/features/artifact-header/artifact-header.tsx';
import { titleLines } from '#src/features/artifact-header/title-lines.ts';
import { DestinationsSection } from '#src/features/destinations/destinations-section.tsx';
import { destinationsInput } from '#src/features/destinations/queries.ts';
import { DeploySection } from '#src/features/releases/deploy-section.tsx';
import { chooseIntent, intentWords } from '#src/features/releases/intents.ts';
import { intentsPolling } from '#src/features/releases/intents-polling.ts';
import { PipelineSection } from '#src/features/releases/pipeline-section.tsx';
import { intentsInput } from '#src/features/releases/queries.ts';
import { type GetReleaseRequirementsResponse, PolicyService } from '#src/gen/forest/v1/policies_pb.ts';
import {
  type Artifact,
  PipelineRunStageStatus,
  PipelineRunStageType,
  type PipelineStageState,
  type ReleaseIntentState,
  ReleaseIntentStatus,
  ReleaseService,
} from '#src/gen/forest/v1/releases_pb.ts';
import { describeError } from '#src/lib/errors.ts';
import { useSession } from '#src/lib/session.ts';
import { useStaleSince } from '#src/lib/use-stale-since.ts';
import { type Place, pageQueries, placeOf } from '../artifact-page.ts';

/** Artifact detail: what was built, releasing it, how far that is, what it waits for, and where it runs. */
export function Component() {
  const place = placeOf(useParams());
  const artifact = useQuery(ReleaseService.method.getArtifactBySlug, { slug: place.slug });
  if (artifact.data?.artifact) return <ArtifactDetail place={place} artifact={artifact.data.artifact} />;
  if (!artifact.isError) return <Loading />;
  return (
    <Failed
      title="The release could not be loaded."
      message={describeError(artifact.error).message}
      onRetry={() => artifact.refetch()}
    />
  );
}

function ArtifactDetail({ place, artifact }: { readonly place: Place; readonly artifact: Artifact }) {
  const { org, project, slug } = place;
  const { artifactId } = artifact;
  const intents = useQuery(
    ReleaseService.method.getReleaseIntentStates,
    intentsInput(org, project, artifactId),
    intentsPolling,
  );
  const choice = useMemo(
    () => chooseIntent(intents.data?.releaseIntents ?? knownFrom(artifact)),
    [intents.data, artifact],
  );
  const { live, release } = useLiveRelease(place, choice.current?.releaseIntentId);
  const current = live.data?.intent ?? choice.current;
  const active = current?.status === ReleaseIntentStatus.ACTIVE;
  // The list tells then what the release became, and whether another one is still going on.
  useOnceAtEnd(active, intents.refetch);
  const unreleased = useQuery(
    ReleaseService.method.getDestinationStates,
    destinationsInput(org, project, artifactId),
    { enabled: !release },
  );
  const destinations = release ? live : unreleased;
  const states = useLastKnown(live.data?.destinations ?? unreleased.data?.destinations);
  const reasons = useMemo(() => live.data && reasonsByStage(live.data), [live.data]);
  const { heading } = titleLines(artifact.context?.title ?? '');
  const status = intentWords(current);

  return (
    <Page
      title={heading}
      documentTitle={`${heading} · ${project}`}
      crumbs={[
        { label: org, to: paths.organisation(org) },
        { label: project, to: paths.project(org, project) },
        { label: slug },
      ]}
      aside={<Badge tone={status.tone}>{status.words}</Badge>}
    >
      <div className="flex min-w-0 flex-col">
        <OutOfDate place={place} artifactId={artifactId} releaseIntentId={release?.releaseIntentId} />
        <ArtifactHeader artifact={artifact} />
      </div>
      <DeploySection organisation={org} project={project} artifactId={artifactId} />
      <PipelineSection current={current} earlier={choice.earlier} reasons={reasons} />
      {intents.isError && !intents.data && (
        <Failed
          title="Earlier releases could not be loaded."
          message={describeError(intents.error).message}
          onRetry={() => intents.refetch()}
        />
      )}
      {release && (
        <Requirements
          key={release.releaseIntentId}
          release={release}
          requirements={live.data}
          expected={current?.stages.some(waitsForVotes) ?? false}
          error={live.isError ? live.error : null}
          onRetry={live.refetch}
          releaseName={`${heading} (${slug})`}
        />
      )}
      <DestinationsSection
        artifactId={artifactId}
        states={states}
        error={destinations.isError ? destinations.error : null}
        onRetry={() => destinations.refetch()}
      />
    </Page>
  );
}

/** The last value that was there: another release's destinations are still these while its own answer is on the way. */
function useLastKnown<Value>(value: Value | undefined): Value | undefined {
  const [last, setLast] = useState(value);
  if (value !== undefined && value !== last) setLast(value);
  return value ?? last;
}

/** What is known of the artifact's releases before their list has come. */
function knownFrom({ latestIntent }: Artifact): ReleaseIntentState[] {
  return latestIntent ? [latestIntent] : [];
}

/** The page's one poll: the release that is shown, with what it needs and where its artifact stands. */
function useLiveRelease({ org, project }: Place, releaseIntentId: string | undefined) {
  const release = useMemo(
    () => (releaseIntentId ? { organisation: org, project, releaseIntentId } : undefined),
    [org, project, releaseIntentId],
  );
  const live = useQuery(
    PolicyService.method.getReleaseRequirements,
    release ? requirementsInput(release) : skipToken,
    requirementsPolling(useIsVoting(releaseIntentId ?? '')),
  );
  return { live, release };
}

/** Calls `look` when what was going on has ended: the last poll may have been before its last step. */
function useOnceAtEnd(active: boolean, look: () => unknown): void {
  const was = useRef(active);
  useEffect(() => {
    if (was.current && !active) void look();
    was.current = active;
  }, [active, look]);
}

function waitsForVotes({ stageType, status }: PipelineStageState): boolean {
  return stageType === PipelineRunStageType.DEPLOY && status === PipelineRunStageStatus.AWAITING_APPROVAL;
}

interface RequirementsProps {
  readonly release: ReleaseRef;
  readonly requirements: GetReleaseRequirementsResponse | undefined;
  /** Whether there are any for sure, so that their place is kept while they are on the way. */
  readonly expected: boolean;
  readonly error: unknown;
  readonly onRetry: () => void;
  readonly releaseName: string;
}

/** The requirements of the release, with who is signed in as the voter. */
function Requirements({ release, requirements, expected, error, onRetry, releaseName }: RequirementsProps) {
  const user = useSession()?.user;
  if (requirements) {
    return (
      <RequirementsSection
        release={release}
        releaseName={releaseName}
        requirements={requirements}
        voter={user && { userId: user.userId, username: user.username }}
      />
    );
  }
  if (!error) {
    return expected ? (
      <Section title="Policy Requirements" flush>
        <Loading />
      </Section>
    ) : null;
  }
  return (
    <Failed
      title="The policy requirements could not be loaded."
      message={describeError(error).message}
      onRetry={onRetry}
    />
  );
}

interface OutOfDateProps {
  readonly place: Place;
  readonly artifactId: string;
  readonly releaseIntentId: string | undefined;
}

/** One bar for all that is kept live on the page, on its own so that polls that go well render nothing. */
function OutOfDate({ place, artifactId, releaseIntentId }: OutOfDateProps) {
  const client = useQueryClient();
  const queries = pageQueries(place, artifactId, useTransport());
  const keys = [
    queries.intents.queryKey,
    ...(releaseIntentId ? [queries.requirements(releaseIntentId).queryKey] : []),
  ];
  const since = useStaleSince(keys);
  return (
    <div className={since === null ? undefined : 'mb-3'}>
      <StaleBar
        since={since === null ? null : new Date(since)}
        onRetry={() => {
          for (const queryKey of keys) void client.refetchQueries({ queryKey });
        }}
      />
    </div>
  );
}
