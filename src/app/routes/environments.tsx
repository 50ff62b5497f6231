import type { LoaderFunctionArgs } from 'react-router';
import { Page } from '#src/components/page.tsx';
import { paths } from '#src/config/paths.ts';
import { EnvironmentList } from '#src/features/environments/environment-list.tsx';
import { environmentsOptions } from '#src/features/environments/use-environments.ts';
import { useIsAdmin } from '#src/lib/session-facts.ts';
import { organisationIn, useOrganisationParam } from '../route-params.ts';
import { servicesOf } from '../services.ts';

export async function loader({ params, context }: LoaderFunctionArgs) {
  const { queryClient, transport } = servicesOf(context);
  await queryClient.ensureInfiniteQueryData(environmentsOptions(transport, organisationIn(params)));
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
