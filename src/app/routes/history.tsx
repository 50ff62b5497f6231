import { createInfiniteQueryOptions } from '@connectrpc/connect-query';
import type { LoaderFunctionArgs } from 'react-router';
import { Page } from '#src/components/page.tsx';
import { paths } from '#src/config/paths.ts';
import { HistoryList } from '#src/features/history/history-list.tsx';
import { historyInput } from '#src/features/history/queries.ts';
import { PolicyService } from '#src/gen/forest/v1/policies_pb.ts';
import { paged } from '#src/lib/paged.ts';
import { organisationIn, useOrganisationParam } from '../route-params.ts';
import { servicesOf } from '../services.ts';

export async function loader({ params, context }: LoaderFunctionArgs) {
  const { queryClient, transport } = servicesOf(context);
  await queryClient.ensureInfiniteQueryData(
    createInfiniteQueryOptions(PolicyService.method.listHistory, historyInput(organisationIn(params)), {
      transport,
      ...paged,
    }),
  );
  return null;
}

export function Component() {
  const organisation = useOrganisationParam();
  return (
    <Page
      title="History"
      documentTitle={`History · ${organisation}`}
      crumbs={[{ label: organisation, to: paths.organisation(organisation) }, { label: 'History' }]}
    >
      <HistoryList organisation={organisation} />
    </Page>
  );
}
