import { Code, ConnectError } from '@connectrpc/connect';
import { createQueryOptions } from '@connectrpc/connect-query';
import type { LoaderFunctionArgs, Params } from 'react-router';
import { releaseParameter } from '#src/config/paths.ts';
import { requirementsInput } from '#src/features/approvals/queries.ts';
import { MAX_OPEN, waitingEnvironments } from '#src/features/comparison/comparison-view.ts';
import { comparisonInput } from '#src/features/comparison/queries.ts';
import { destinationsInput } from '#src/features/destinations/use-destination-states.ts';
import { PolicyService } from '#src/gen/forest/v1/policies_pb.ts';
import { ReleaseService } from '#src/gen/forest/v1/releases_pb.ts';
import { sessionKey } from '#src/lib/session.ts';
import { servicesOf } from './services.ts';

/** The parameters of an artifact page's address. */
export interface ArtifactParams {
  readonly org: string;
  readonly project: string;
  readonly slug: string;
}

export function artifactParamsOf({ org = '', project = '', slug = '' }: Params): ArtifactParams {
  return { org, project, slug };
}

/**
 * Loads the artifact and the requirements of the addressed or latest release before the page is shown, so that an address with
 * `#policy-requirements` finds its section. The inputs are the components' own, so that both share the answers. It is in a
 * file of its own because the router needs it before the page's module is loaded.
 */
export async function loadArtifactPage({ params, request, context }: LoaderFunctionArgs) {
  const { queryClient, transport } = servicesOf(context);
  const { org, project, slug } = artifactParamsOf(params);
  const cold = queryClient.getQueryData(sessionKey(transport)) === undefined;
  const { getArtifactBySlug, getDestinationStates, getReleaseComparison } = ReleaseService.method;
  const { getReleaseRequirements } = PolicyService.method;
  const { artifact } = await queryClient.ensureQueryData(
    createQueryOptions(getArtifactBySlug, { slug }, { transport }),
  );
  // A slug is unique on the whole server, so it may be another project's.
  if (artifact?.project?.organisation !== org || artifact.project.project !== project) {
    throw new ConnectError(`Release ${slug} not found in project ${project}`, Code.NotFound);
  }
  const { artifactId, latestIntent } = artifact;
  const requested = new URL(request.url).searchParams.get(releaseParameter);
  const latest = latestIntent?.releaseIntentId;
  const releaseIntentId = requested ?? latest;
  const options =
    releaseIntentId &&
    createQueryOptions(
      getReleaseRequirements,
      requirementsInput({ organisation: org, project, releaseIntentId }),
      { transport },
    );
  // An address can name a release that does not exist; then the page shows the latest.
  const load = requested && requested !== latest ? 'prefetchQuery' : 'ensureQueryData';
  const requirements = options && queryClient[load](options);
  for (const environment of waitingEnvironments(latestIntent).slice(0, MAX_OPEN)) {
    const input = comparisonInput(org, project, artifactId, environment);
    void queryClient.prefetchQuery(createQueryOptions(getReleaseComparison, input, { transport }));
  }
  if (!requirements) {
    void queryClient.prefetchQuery(
      createQueryOptions(getDestinationStates, destinationsInput(org, project, artifactId), { transport }),
    );
  } else if (cold && window.location.hash === '') {
    // On a first load the rest of the page is shown meanwhile, and shows the failure.
    requirements.catch(() => undefined);
  } else {
    await requirements;
  }
  return null;
}
