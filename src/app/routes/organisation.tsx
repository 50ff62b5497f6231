import { createInfiniteQueryOptions } from '@connectrpc/connect-query';
import type { LoaderFunctionArgs } from 'react-router';
import { Page } from '#src/components/page.tsx';
import { ProjectList } from '#src/features/projects/project-list.tsx';
import { projectsInput } from '#src/features/projects/queries.ts';
import { ReleaseService } from '#src/gen/forest/v1/releases_pb.ts';
import { paged } from '#src/lib/paged.ts';
import { organisationIn, useOrganisationParam } from '../route-params.ts';
import { servicesOf } from '../services.ts';

export async function loader({ params, context }: LoaderFunctionArgs) {
  const { queryClient, transport } = servicesOf(context);
  await queryClient.ensureInfiniteQueryData(
    createInfiniteQueryOptions(ReleaseService.method.getProjects, projectsInput(organisationIn(params)), {
      transport,
      ...paged,
    }),
  );
  return null;
}

export function Component() {
  const organisation = useOrganisationParam();
  return (
    <Page title={organisation}>
      <ProjectList organisation={organisation} />
    </Page>
  );
}
