import { createInfiniteQueryOptions, createQueryOptions } from '@connectrpc/connect-query';
import type { LoaderFunctionArgs } from 'react-router';
import { Page } from '#src/components/page.tsx';
import { paths } from '#src/config/paths.ts';
import { ArtifactList } from '#src/features/artifacts/artifact-list.tsx';
import { artifactsInput, intentsInput } from '#src/features/artifacts/queries.ts';
import { ReleaseService } from '#src/gen/forest/v1/releases_pb.ts';
import { paged } from '#src/lib/paged.ts';
import { projectIn, useProjectParams } from '../route-params.ts';
import { servicesOf } from '../services.ts';

export async function loader({ params, context }: LoaderFunctionArgs) {
  const { queryClient, transport } = servicesOf(context);
  const { organisation, project } = projectIn(params);
  void queryClient.prefetchQuery(
    createQueryOptions(ReleaseService.method.getReleaseIntentStates, intentsInput(organisation, project), {
      transport,
    }),
  );
  await queryClient.ensureInfiniteQueryData(
    createInfiniteQueryOptions(
      ReleaseService.method.getArtifactsByProject,
      artifactsInput(organisation, project),
      { transport, ...paged },
    ),
  );
  return null;
}

export function Component() {
  const { organisation, project } = useProjectParams();
  return (
    <Page
      title={project}
      documentTitle={`${project} · ${organisation}`}
      crumbs={[{ label: organisation, to: paths.organisation(organisation) }, { label: project }]}
    >
      <ArtifactList organisation={organisation} project={project} />
    </Page>
  );
}
