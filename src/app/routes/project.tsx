import { createInfiniteQueryOptions } from '@connectrpc/connect-query';
import { useCallback } from 'react';
import type { LoaderFunctionArgs, ShouldRevalidateFunctionArgs } from 'react-router';
import { Page } from '#src/components/page.tsx';
import { paths } from '#src/config/paths.ts';
import { filtersIn } from '#src/features/artifacts/artifact-filters.ts';
import { ArtifactList } from '#src/features/artifacts/artifact-list.tsx';
import { artifactsInput } from '#src/features/artifacts/queries.ts';
import type { PreviousBuild } from '#src/features/board/board-view.ts';
import { Lanes } from '#src/features/board/lanes.tsx';
import { lanesOptions, useEnvironmentOrder } from '#src/features/board/use-board.ts';
import { EditDescription, ProjectAbout } from '#src/features/projects/project-about.tsx';
import { projectOptions } from '#src/features/projects/use-projects.ts';
import { DeployButton } from '#src/features/releases/deploy-button.tsx';
import { ReleaseService } from '#src/gen/forest/v1/releases_pb.ts';
import { paged } from '#src/lib/paged.ts';
import { useIsAdmin } from '#src/lib/session-facts.ts';
import { projectIn, useProjectParams } from '../route-params.ts';
import { servicesOf } from '../services.ts';

export async function loader({ params, request, context }: LoaderFunctionArgs) {
  const { queryClient, transport } = servicesOf(context);
  const { organisation, project } = projectIn(params);
  const filters = filtersIn(new URL(request.url).searchParams);
  await Promise.all([
    queryClient.ensureInfiniteQueryData(
      createInfiniteQueryOptions(
        ReleaseService.method.getArtifactsByProject,
        artifactsInput(organisation, project, filters),
        { transport, ...paged },
      ),
    ),
    // The lanes show their failure themselves.
    queryClient.prefetchQuery(lanesOptions(transport, { organisation, project })),
    queryClient.prefetchQuery(projectOptions(transport, { organisation, project })),
  ]);
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
  const isAdmin = useIsAdmin(organisation);
  const environmentOrder = useEnvironmentOrder({ organisation, project });
  const rollBack = useCallback(
    (environment: string, { artifactId, name }: PreviousBuild) => (
      <DeployButton
        organisation={organisation}
        project={project}
        artifactId={artifactId}
        name={name}
        rollBackOn={environment}
      />
    ),
    [organisation, project],
  );
  return (
    <Page
      title={project}
      documentTitle={`${project} · ${organisation}`}
      crumbs={[{ label: organisation, to: paths.organisation(organisation) }, { label: project }]}
      actions={isAdmin && <EditDescription organisation={organisation} project={project} />}
    >
      <ProjectAbout organisation={organisation} project={project} />
      <Lanes organisation={organisation} project={project} rollBack={rollBack} />
      <ArtifactList organisation={organisation} project={project} environmentOrder={environmentOrder} />
    </Page>
  );
}
