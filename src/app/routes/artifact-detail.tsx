import { useQuery } from '@connectrpc/connect-query';
import { lazy, Suspense, useMemo, useState } from 'react';
import { useParams, useSearchParams } from 'react-router';
import { CopyLink } from '#src/components/copy-link.tsx';
import { Page } from '#src/components/page.tsx';
import { Failed, Loading } from '#src/components/states.tsx';
import { paths, releaseParameter } from '#src/config/paths.ts';
import { StatusLine } from '#src/features/approvals/status-line.tsx';
import { ArtifactHeader } from '#src/features/artifacts/artifact-header.tsx';
import { titleLines } from '#src/features/artifacts/artifact-texts.ts';
import { ComparisonSection } from '#src/features/comparison/comparison-section.tsx';
import { DestinationsSection } from '#src/features/destinations/destinations-section.tsx';
import {
  destinationsInput,
  useDestinationStates,
} from '#src/features/destinations/use-destination-states.ts';
import { DeployButton } from '#src/features/releases/deploy-button.tsx';
import { chooseIntent } from '#src/features/releases/intents.ts';
import { intentsInput, intentsPolling } from '#src/features/releases/queries.ts';
import { RollBackButton } from '#src/features/releases/roll-back-button.tsx';
import {
  type Artifact,
  type ReleaseIntentState,
  ReleaseIntentStatus,
  ReleaseService,
} from '#src/gen/forest/v1/releases_pb.ts';
import { preloaded } from '#src/lib/after-load.ts';
import { buildName } from '#src/lib/build-words.ts';
import { describeError } from '#src/lib/errors.ts';
import { staleSince } from '#src/lib/polling.ts';
import { type ArtifactParams, artifactParamsOf } from '../artifact-page.ts';
import { ReleasePanel, useReleasePoll } from '../release-panel.tsx';
import { releasePanelId, releaseTabId } from '../release-tab-id.ts';

// Without their code the address alone chooses the release.
const ReleaseTabs = lazy(() => import('../release-tabs.tsx').catch(() => ({ default: () => null })));
const ReleaseActions = lazy(
  preloaded(() => import('../release-actions.tsx').catch(() => ({ default: () => null }))),
);

/** Artifact detail: the build, its release, what that waits for, and where the build runs. */
export function Component() {
  const params = artifactParamsOf(useParams());
  const artifact = useQuery(ReleaseService.method.getArtifactBySlug, { slug: params.slug });
  if (artifact.data?.artifact) return <ArtifactDetail params={params} artifact={artifact.data.artifact} />;
  if (!artifact.isError) return <Loading />;
  return (
    <Failed
      title="Couldn't load the release"
      message={describeError(artifact.error).message}
      onRetry={() => artifact.refetch()}
    />
  );
}

interface ArtifactDetailProps {
  readonly params: ArtifactParams;
  readonly artifact: Artifact;
}

function ArtifactDetail({ params, artifact }: ArtifactDetailProps) {
  const { org, project, slug } = params;
  const { artifactId } = artifact;
  const [search] = useSearchParams();
  const addressed = search.get(releaseParameter);
  const [kept, setKept] = useState<string>();
  const requested = addressed ?? kept;
  const intents = useQuery(
    ReleaseService.method.getReleaseIntentStates,
    intentsInput(org, project, artifactId),
    intentsPolling,
  );
  const choice = useMemo(
    () => chooseIntent(intents.data?.releaseIntents ?? latestOf(artifact), requested),
    [intents.data, artifact, requested],
  );
  // Once shown, a release stays while one is active: no vote or poll puts the buttons of another under the pointer.
  const several = choice.active.length > 0;
  const isActive = choice.current?.status === ReleaseIntentStatus.ACTIVE;
  const keep = intents.data && (several || isActive) ? choice.current?.releaseIntentId : undefined;
  if (keep !== kept) setKept(keep);
  // Until the list is loaded, the address is believed: the latest release may be another.
  const releaseIntentId = intents.isPending && addressed ? addressed : choice.current?.releaseIntentId;
  // The page's main poll: the release with its requirements and the destinations.
  const live = useReleasePoll(params, releaseIntentId);
  const unreleased = useDestinationStates(destinationsInput(org, project, artifactId), {
    enabled: !releaseIntentId,
  });
  const known = choice.current?.releaseIntentId === releaseIntentId ? choice.current : undefined;
  const current = live.data?.intent ?? known;
  const destinations = releaseIntentId ? live : unreleased;
  const states = useLastKnown(live.data?.destinations ?? unreleased.data?.destinations);
  const name = buildName({ version: artifact.ref?.version, slug });
  const { heading } = titleLines(artifact.context?.title ?? '');
  const { ref } = artifact;
  const build = {
    params,
    heading,
    identity: [`${project} ${name}`, ref?.branch, ref?.commitSha.slice(0, 7)].filter(Boolean).join(' · '),
  };
  const deployable = { organisation: org, project, artifactId, name };
  const stale = staleSince(live) ?? staleSince(intents);

  return (
    <Page
      title={heading}
      documentTitle={`${heading} · ${project}`}
      crumbs={[
        { label: org, to: paths.organisation(org) },
        { label: project, to: paths.project(org, project) },
        { label: name },
      ]}
      actions={
        <>
          <CopyLink to={paths.release(org, project, slug, several ? releaseIntentId : undefined)} />
          <DeployButton
            // By key, so that an open dialog closes when another build is shown.
            key={artifactId}
            {...deployable}
          />
        </>
      }
    >
      <div className="-mt-3 flex min-w-0 flex-col gap-1">
        <StatusLine
          facts={{ intent: current, requirements: live.data, destinations: states, build: name }}
          since={stale}
          onRetry={() => void Promise.all([live.refetch(), intents.refetch()])}
        >
          {current && (
            <Suspense>
              <ReleaseActions
                key={current.releaseIntentId}
                build={deployable}
                intent={current}
                several={several}
              />
            </Suspense>
          )}
        </StatusLine>
        <ArtifactHeader artifact={artifact} />
      </div>
      {several && (
        <Suspense fallback={<div className="min-h-10" />}>
          <ReleaseTabs
            intents={current ? [current, ...choice.active] : choice.active}
            currentId={releaseIntentId}
          />
        </Suspense>
      )}
      <div
        className="release"
        {...(several && {
          id: releasePanelId,
          role: 'tabpanel',
          'aria-labelledby': releaseTabId(releaseIntentId ?? ''),
        })}
      >
        <ComparisonSection {...deployable} intent={current} destinations={states} />
        {current || !releaseIntentId || live.isError ? (
          <ReleasePanel {...build} intent={current} earlier={choice.earlier} poll={live} />
        ) : (
          <Loading />
        )}
        {intents.isError && !intents.data && (
          <Failed
            title="Couldn't load earlier releases"
            message={describeError(intents.error).message}
            onRetry={() => intents.refetch()}
          />
        )}
        <DestinationsSection
          {...deployable}
          isAdmin={live.data?.isAdmin ?? false}
          states={states}
          targets={targetsOf(current)}
          RollBack={RollBackButton}
          error={destinations.isError ? destinations.error : null}
          onRetry={() => destinations.refetch()}
        />
      </div>
    </Page>
  );
}

/** The releases known before the list is loaded. */
function latestOf({ latestIntent }: Artifact): ReleaseIntentState[] {
  return latestIntent ? [latestIntent] : [];
}

/** The environments of a release, comma-separated. */
const targetsOf = (intent: ReleaseIntentState | undefined): string =>
  (intent?.stages ?? []).flatMap(({ environment }) => environment ?? []).join();

/** The last loaded value, so that the destinations stay visible while another release is loaded. */
function useLastKnown<Value>(value: Value | undefined): Value | undefined {
  const [last, setLast] = useState(value);
  if (value !== undefined && value !== last) setLast(value);
  return value ?? last;
}
