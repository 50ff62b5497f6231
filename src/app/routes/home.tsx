import { createInfiniteQueryOptions, createQueryOptions, useInfiniteQuery } from '@connectrpc/connect-query';
import type { LoaderFunctionArgs } from 'react-router';
import { Page } from '#src/components/page.tsx';
import { pendingInput, pendingMethod } from '#src/features/approvals/queries.ts';
import { WaitingList } from '#src/features/approvals/waiting-list.tsx';
import { Comparison } from '#src/features/comparison/comparison-section.tsx';
import { OrganisationList } from '#src/features/organisations/organisation-list.tsx';
import {
  organisationsInput,
  organisationsMethod,
} from '#src/features/organisations/use-organisation-counts.ts';
import {
  OwnReleases,
  ownReleasesInput,
  ownReleasesMethod,
} from '#src/features/own-releases/own-releases.tsx';
import { showKeys } from '#src/features/shortcuts/help-open.ts';
import type { PendingApproval } from '#src/gen/forest/v1/policies_pb.ts';
import { buildName } from '#src/lib/build-words.ts';
import { paged } from '#src/lib/paged.ts';
import { servicesOf } from '../services.ts';

/** Starts the requests and does not wait for them: the lists have their own loading and failed states. */
export function loader({ context }: LoaderFunctionArgs) {
  const { queryClient, transport } = servicesOf(context);
  const options = { transport, ...paged };
  void queryClient.prefetchInfiniteQuery(createInfiniteQueryOptions(pendingMethod, pendingInput, options));
  void queryClient.prefetchInfiniteQuery(
    createInfiniteQueryOptions(ownReleasesMethod, ownReleasesInput, options),
  );
  void queryClient.prefetchQuery(createQueryOptions(organisationsMethod, organisationsInput, { transport }));
  return null;
}

const changeOf = (approval: PendingApproval) => (
  <Comparison
    organisation={approval.project?.organisation ?? ''}
    project={approval.project?.project ?? ''}
    artifactId={approval.artifactId}
    name={buildName(approval)}
    environment={approval.environment}
    brief
  />
);

export function Component() {
  // The lists poll; here it only matters whether they are there.
  const pending = useInfiniteQuery(pendingMethod, pendingInput, paged);
  const own = useInfiniteQuery(ownReleasesMethod, ownReleasesInput, paged);
  const waiting = pending.data?.pages[0]?.organisations ?? [];
  return (
    <Page title="Home" documentTitle="">
      <WaitingList onShowKeys={() => showKeys()} changeOf={changeOf} />
      {/* What stands below a list appears with it, so that it does not move. */}
      {!pending.isPending && <OwnReleases />}
      {!pending.isPending && !own.isPending && <OrganisationList waiting={waiting} />}
    </Page>
  );
}
