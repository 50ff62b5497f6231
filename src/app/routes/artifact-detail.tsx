import { Code, ConnectError, type Transport } from '@connectrpc/connect';
import { createQueryOptions, skipToken, useQuery, useTransport } from '@connectrpc/connect-query';
import { useQueryClient } from '@tanstack/react-query';
import { useEffect, useMemo, useRef } from 'react';
import { type LoaderFunctionArgs, type Params, useParams } from 'react-router';
import { Badge } from '#src/components/badge.tsx';
import { Page } from '#src/components/page.tsx';
import { Failed, Loading, StaleBar } from '#src/components/states.tsx';
import { paths } from '#src/config/paths.ts';
import { requirementsPolling } from '#src/features/approvals/requirements-polling.ts';
import { RequirementsSection } from '#src/features/approvals/requirements-section.tsx';
import { reasonsByStage } from '#src/features/approvals/requirements-view.ts';
import { requirementsInput, useIsVoting } from '#src/features/approvals/use-vote.ts';
import { ArtifactHeader } from '#src/features/artifact-header/artifact-header.tsx';
import { titleLines } from '#src/features/artifact-header/title-lines.ts';
import { destinationsInput, destinationsPolling } from '#src/features/destinations/destinations-polling.ts';
import { DestinationsSection } from '#src/features/destinations/destinations-section.tsx';
import { DeploySection } from '#src/features/releases/deploy-section.tsx';
import { anyActive, chooseIntent, intentWords } from '#src/features/releases/intents.ts';
import { intentsInput, intentsPolling } from '#src/features/releases/intents-polling.ts';
import { PipelineSection } from '#src/features/releases/pipeline-section.tsx';
import { PolicyService } from '#src/gen/forest/v1/policies_pb.ts';
import { type Artifact, type ReleaseIntentState, ReleaseService } from '#src/gen/forest/v1/releases_pb.ts';
import { describeError } from '#src/lib/errors.ts';
import { useSession } from '#src/lib/session.ts';
import { useStaleSince } from '#src/lib/use-stale-since.ts';
import { servicesOf } from '../services.ts';

interface Place {
  readonly org: string;
  readonly project: string;
  readonly slug: string;
}

/**
 * Fetches what the page is about before it shows: the artifact, its releases, and the requirements of the one shown, so
 * that an address with `#policy-requirements` finds its section there. The rest loads while this does.
 */
export async function loader({ params, context }: LoaderFunctionArgs) {
  const { queryClient, transport } = servicesOf(context);
  const place = placeOf(params);
  const { artifact } = await queryClient.ensureQueryData(
    createQueryOptions(ReleaseService.method.getArtifactBySlug, { slug: place.slug }, { transport }),
  );
  // Slugs are unique on the whole server, so this one may be another project's: then this address is wrong.
  if (!artifact || !belongsTo(artifact, place)) {
    throw new ConnectError(`no release ${place.slug} in project ${place.project}`, Code.NotFound);
  }
  const queries = liveQueries(place, artifact.artifactId, transport);
  void queryClient.prefetchQuery(queries.destinations);
  const { releaseIntents } = await queryClient.ensureQueryData(queries.intents);
  const { current } = chooseIntent(releaseIntents);
  if (current) await queryClient.ensureQueryData(queries.requirements(current));
  return null;
}

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
  const choice = useMemo(() => chooseIntent(intents.data?.releaseIntents ?? []), [intents.data]);
  const active = anyActive(intents.data?.releaseIntents);
  const destinations = useQuery(
    ReleaseService.method.getDestinationStates,
    destinationsInput(org, project, artifactId),
    destinationsPolling(artifactId, active),
  );
  useOnceAtEnd(active, destinations.refetch);
  const reasons = useReasons(place, choice.current);
  const { heading } = titleLines(artifact.context?.title ?? '');
  const status = intentWords(choice.current);

  return (
    <Page
      title={heading}
      documentTitle={`${heading} · ${project}`}
      crumbs={[
        { label: org, to: paths.organisation(org) },
        { label: project, to: paths.project(org, project) },
        { label: slug },
      ]}
      aside={intents.data && <Badge tone={status.tone}>{status.words}</Badge>}
    >
      <div className="flex min-w-0 flex-col">
        <OutOfDate place={place} artifactId={artifactId} current={choice.current} />
        <ArtifactHeader artifact={artifact} />
      </div>
      <DeploySection
        organisation={org}
        project={project}
        artifactId={artifactId}
        branch={artifact.ref?.branch}
      />
      {intents.data ? (
        <PipelineSection choice={choice} reasons={reasons} />
      ) : intents.isError ? (
        <Failed
          title="The releases could not be loaded."
          message={describeError(intents.error).message}
          onRetry={() => intents.refetch()}
        />
      ) : (
        <Loading />
      )}
      {choice.current && (
        <Requirements
          key={choice.current.releaseIntentId}
          place={place}
          intent={choice.current}
          releaseName={`${heading} (${slug})`}
        />
      )}
      <DestinationsSection
        artifactId={artifactId}
        states={destinations.data}
        error={destinations.error}
        onRetry={() => destinations.refetch()}
      />
    </Page>
  );
}

/** Calls `look` when what was going on has ended: the last poll may have been before its last step. */
function useOnceAtEnd(active: boolean, look: () => unknown): void {
  const was = useRef(active);
  useEffect(() => {
    if (was.current && !active) void look();
    was.current = active;
  }, [active, look]);
}

/** Why the release's stages wait, out of the requirements' cached answer; asking for it is the panel's part. */
function useReasons({ org, project }: Place, intent: ReleaseIntentState | undefined) {
  const release = intent && { organisation: org, project, releaseIntentId: intent.releaseIntentId };
  return useQuery(
    PolicyService.method.getReleaseRequirements,
    release ? requirementsInput(release) : skipToken,
    { enabled: false, select: reasonsByStage },
  ).data;
}

interface RequirementsProps {
  readonly place: Place;
  readonly intent: ReleaseIntentState;
  readonly releaseName: string;
}

/** The live requirements of one release; its polls pause while a vote is on its way. */
function Requirements({ place, intent, releaseName }: RequirementsProps) {
  const { releaseIntentId } = intent;
  const release = useMemo(
    () => ({ organisation: place.org, project: place.project, releaseIntentId }),
    [place.org, place.project, releaseIntentId],
  );
  const user = useSession()?.user;
  const requirements = useQuery(
    PolicyService.method.getReleaseRequirements,
    requirementsInput(release),
    requirementsPolling(useIsVoting(releaseIntentId)),
  );
  if (requirements.data) {
    return (
      <RequirementsSection
        release={release}
        releaseName={releaseName}
        requirements={requirements.data}
        voter={user && { userId: user.userId, username: user.username }}
      />
    );
  }
  if (!requirements.isError) return null;
  return (
    <Failed
      title="The policy requirements could not be loaded."
      message={describeError(requirements.error).message}
      onRetry={() => requirements.refetch()}
    />
  );
}

interface OutOfDateProps {
  readonly place: Place;
  readonly artifactId: string;
  readonly current: ReleaseIntentState | undefined;
}

/** One bar for all that is polled on the page, on its own so that polls that go well render nothing. */
function OutOfDate({ place, artifactId, current }: OutOfDateProps) {
  const client = useQueryClient();
  const queries = liveQueries(place, artifactId, useTransport());
  const keys = [
    queries.intents.queryKey,
    queries.destinations.queryKey,
    ...(current ? [queries.requirements(current).queryKey] : []),
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

/** The queries that stay live, with the inputs that the components use, so that loader and page share their answers. */
function liveQueries({ org, project }: Place, artifactId: string, transport: Transport) {
  const { getReleaseIntentStates, getDestinationStates } = ReleaseService.method;
  return {
    intents: createQueryOptions(getReleaseIntentStates, intentsInput(org, project, artifactId), {
      transport,
    }),
    destinations: createQueryOptions(getDestinationStates, destinationsInput(org, project, artifactId), {
      transport,
    }),
    requirements: ({ releaseIntentId }: ReleaseIntentState) =>
      createQueryOptions(
        PolicyService.method.getReleaseRequirements,
        requirementsInput({ organisation: org, project, releaseIntentId }),
        { transport },
      ),
  };
}

function placeOf({ org = '', project = '', slug = '' }: Params): Place {
  return { org, project, slug };
}

function belongsTo(artifact: Artifact, { org, project }: Place): boolean {
  return artifact.project?.organisation === org && artifact.project.project === project;
}
