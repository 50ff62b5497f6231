import { createInfiniteQueryOptions } from '@connectrpc/connect-query';
import type { LoaderFunctionArgs, ShouldRevalidateFunctionArgs } from 'react-router';
import { Page } from '#src/components/page.tsx';
import { paths } from '#src/config/paths.ts';
import { filtersIn } from '#src/features/artifacts/artifact-filters.ts';
import { ArtifactList } from '#src/features/artifacts/artifact-list.tsx';
import { artifactsInput } from '#src/features/artifacts/queries.ts';
import { ProjectAbout } from '#src/features/projects/project-about.tsx';
import { ReleaseService } from '#src/gen/forest/v1/releases_pb.ts';
import { paged } from '#src/lib/paged.ts';
import { useIsAdmin } from '#src/lib/session.ts';
import { projectIn, useProjectParams } from '../route-params.ts';
import { servicesOf } from '../services.ts';

export async function loader({ params, request, context }: LoaderFunctionArgs) {
  const { queryClient, transport } = servicesOf(context);
  const { organisation, project } = projectIn(params);
  const filters = filtersIn(new URL(request.url).searchParams);
  await queryClient.ensureInfiniteQueryData(
    createInfiniteQueryOptions(
      ReleaseService.method.getArtifactsByProject,
      artifactsInput(organisation, project, filters),
      { transport, ...paged },
    ),
  );
  return null;
}

/** The list loads other filters itself: it keeps its rows meanwhile and shows a failure. */
export function shouldRevalidate({
  currentUrl,
  nextUrl,
  defaultShouldRevalidate,
}: ShouldRevalidateFunctionArgs) {
  return currentUrl.pathname === nextUrl.pathname ? false : defaultShouldRevalidate;
}

export function Component() {
  const { organisation, project } = useProjectParams();
  return (
    <Page
      title={project}
      documentTitle={`${project} · ${organisation}`}
      crumbs={[{ label: organisation, to: paths.organisation(organisation) }, { label: project }]}
    >
      <ProjectAbout organisation={organisation} project={project} canEdit={useIsAdmin(organisation)} />
      <ArtifactList organisation={organisation} project={project} />
    </Page>
  );
}
