import type { LoaderFunctionArgs } from 'react-router';
import { Page } from '#src/components/page.tsx';
import { paths } from '#src/config/paths.ts';
import { EnvironmentList } from '#src/features/environments/environment-list.tsx';
import { destinationsOptions, environmentsOptions } from '#src/features/environments/use-environments.ts';
import { useIsAdmin } from '#src/lib/session-facts.ts';
import { organisationIn, useOrganisationParam } from '../route-params.ts';
import { servicesOf } from '../services.ts';

/** Waits for the destinations too, so that nothing moves; if they fail, the page says it. */
export async function loader({ params, context }: LoaderFunctionArgs) {
  const { queryClient, transport } = servicesOf(context);
  const organisation = organisationIn(params);
  await Promise.all([
    queryClient.ensureInfiniteQueryData(environmentsOptions(transport, organisation)),
    queryClient.prefetchInfiniteQuery(destinationsOptions(transport, organisation)),
  ]);
  return null;
}

export function Component() {
  const organisation = useOrganisationParam();
  return (
    <Page
      title="Environments"
      documentTitle={`Environments · ${organisation}`}
      crumbs={[{ label: organisation, to: paths.organisation(organisation) }, { label: 'Environments' }]}
    >
      <EnvironmentList organisation={organisation} canEdit={useIsAdmin(organisation)} />
    </Page>
  );
}
