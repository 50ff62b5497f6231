import { Code, ConnectError, type Transport } from '@connectrpc/connect';
import { createQueryOptions } from '@connectrpc/connect-query';
import type { LoaderFunctionArgs, Params } from 'react-router';
import { requirementsInput } from '#src/features/approvals/queries.ts';
import { destinationsInput } from '#src/features/destinations/queries.ts';
import { intentsInput, releaseOptionsInput } from '#src/features/releases/queries.ts';
import { PolicyService } from '#src/gen/forest/v1/policies_pb.ts';
import { type Artifact, ReleaseService } from '#src/gen/forest/v1/releases_pb.ts';
import { sessionKey } from '#src/lib/session.ts';
import { servicesOf } from './services.ts';

/** Where an artifact's page stands in the addresses. */
export interface Place {
  readonly org: string;
  readonly project: string;
  readonly slug: string;
}

export function placeOf({ org = '', project = '', slug = '' }: Params): Place {
  return { org, project, slug };
}

/**
 * Fetches what the artifact page is about before it shows: the artifact, and the release that speaks for it with its
 * requirements, so that an address with `#policy-requirements` finds its section there. What can be released loads while
 * this does, and the earlier releases after it.
 *
 * It stands outside of the page's own module, which is loaded meanwhile: this is the page that links lead to.
 */
export async function loadArtifactPage({ params, context }: LoaderFunctionArgs) {
  const { queryClient, transport } = servicesOf(context);
  const place = placeOf(params);
  const cold = queryClient.getQueryData(sessionKey(transport)) === undefined;
  const { artifact } = await queryClient.ensureQueryData(
    createQueryOptions(ReleaseService.method.getArtifactBySlug, { slug: place.slug }, { transport }),
  );
  // Slugs are unique on the whole server, so this one may be another project's: then this address is wrong.
  if (!artifact || !belongsTo(artifact, place)) {
    throw new ConnectError(`no release ${place.slug} in project ${place.project}`, Code.NotFound);
  }
  const queries = pageQueries(place, artifact.artifactId, transport);
  const current = artifact.latestIntent;
  // First what the page waits for.
  const requirements = current && queryClient.ensureQueryData(queries.requirements(current.releaseIntentId));
  void queryClient.prefetchQuery(queries.options);
  if (!requirements) void queryClient.prefetchQuery(queries.destinations);
  // On a first load the rest of the page is drawn while they are on the way, unless the address leads to them.
  else if (cold && window.location.hash === '') requirements.catch(() => undefined);
  else await requirements;
  return null;
}

/** The page's queries, with the inputs that the components use, so that loader and page share their answers. */
export function pageQueries({ org, project }: Place, artifactId: string, transport: Transport) {
  const { getReleaseIntentStates, getDestinationStates } = ReleaseService.method;
  const { getReleaseOptions, getReleaseRequirements } = PolicyService.method;
  return {
    intents: createQueryOptions(getReleaseIntentStates, intentsInput(org, project, artifactId), {
      transport,
    }),
    destinations: createQueryOptions(getDestinationStates, destinationsInput(org, project, artifactId), {
      transport,
    }),
    options: createQueryOptions(getReleaseOptions, releaseOptionsInput(org, project, artifactId), {
      transport,
    }),
    requirements: (releaseIntentId: string) =>
      createQueryOptions(
        getReleaseRequirements,
        requirementsInput({ organisation: org, project, releaseIntentId }),
        { transport },
      ),
  };
}

function belongsTo(artifact: Artifact, { org, project }: Place): boolean {
  return artifact.project?.organisation === org && artifact.project.project === project;
}
