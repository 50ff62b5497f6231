import { createInfiniteQueryOptions } from '@connectrpc/connect-query';
import type { LoaderFunctionArgs } from 'react-router';
import { Page } from '#src/components/page.tsx';
import { pendingInput, pendingMethod } from '#src/features/approvals/queries.ts';
import { WaitingList } from '#src/features/approvals/waiting-list.tsx';
import { OrganisationList } from '#src/features/organisations/organisation-list.tsx';
import { showKeys } from '#src/features/shortcuts/help-open.ts';
import { paged } from '#src/lib/paged.ts';
import { servicesOf } from '../services.ts';

/** Starts the request and does not wait for it: the list has its own loading and failed states. */
export function loader({ context }: LoaderFunctionArgs) {
  const { queryClient, transport } = servicesOf(context);
  void queryClient.prefetchInfiniteQuery(
    createInfiniteQueryOptions(pendingMethod, pendingInput, { transport, ...paged }),
  );
  return null;
}

export function Component() {
  return (
    <Page title="Home">
      <WaitingList onShowKeys={() => showKeys()} />
      <OrganisationList />
    </Page>
  );
}
