import { createInfiniteQueryOptions } from '@connectrpc/connect-query';
import type { LoaderFunctionArgs } from 'react-router';
import { Page } from '#src/components/page.tsx';
import { OrganisationList } from '#src/features/organisations/organisation-list.tsx';
import { PendingApprovals } from '#src/features/pending/pending-approvals.tsx';
import { pendingInput, pendingMethod } from '#src/features/pending/queries.ts';
import { showKeys } from '#src/features/shortcuts/help-open.ts';
import { paged } from '#src/lib/paged.ts';
import { servicesOf } from '../services.ts';

/** Begins to ask while the page is still on its way; the list shows what came of it. */
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
      <PendingApprovals onShowKeys={() => showKeys()} />
      <OrganisationList />
    </Page>
  );
}
