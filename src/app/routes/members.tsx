import { createInfiniteQueryOptions, createQueryOptions } from '@connectrpc/connect-query';
import type { LoaderFunctionArgs } from 'react-router';
import { Page } from '#src/components/page.tsx';
import { paths } from '#src/config/paths.ts';
import { AddMember } from '#src/features/organisations/add-member.tsx';
import { FileRetention } from '#src/features/organisations/file-retention.tsx';
import { JoinRules } from '#src/features/organisations/join-rules.tsx';
import { MemberList } from '#src/features/organisations/member-list.tsx';
import { ServiceAccountList } from '#src/features/service-accounts/service-account-list.tsx';
import { OrganisationService } from '#src/gen/forest/v1/organisations_pb.ts';
import { ServiceAccountService } from '#src/gen/forest/v1/service_accounts_pb.ts';
import { paged } from '#src/lib/paged.ts';
import { sessionQuery, useSession } from '#src/lib/session.ts';
import { useIsAdmin, useSignInMethods } from '#src/lib/session-facts.ts';
import { notFound, organisationIn, useOrganisationParam } from '../route-params.ts';
import { servicesOf } from '../services.ts';

/** Waits for the lists, so that what is below them does not move. A list that fails to load says so in its place. */
export async function loader({ params, context }: LoaderFunctionArgs) {
  const { queryClient, transport } = servicesOf(context);
  const { session } = await queryClient.ensureQueryData(sessionQuery(transport));
  const organisation = organisationIn(params);
  const membership = session?.memberships.find((each) => each.organisation === organisation);
  if (!membership) throw notFound();
  const { organisationId, role } = membership;
  const { listMembers } = OrganisationService.method;
  const { listServiceAccounts } = ServiceAccountService.method;
  const members = { organisationId, pageToken: '' };
  await Promise.all([
    queryClient.prefetchInfiniteQuery(
      createInfiniteQueryOptions(listMembers, members, { transport, ...paged }),
    ),
    role === 'admin' &&
      queryClient.prefetchQuery(createQueryOptions(listServiceAccounts, { organisationId }, { transport })),
  ]);
  return null;
}

export function Component() {
  const organisation = useOrganisationParam();
  const session = useSession();
  const { providers } = useSignInMethods();
  const isAdmin = useIsAdmin(organisation);
  const membership = session?.memberships.find((each) => each.organisation === organisation);
  return (
    <Page
      title="Members"
      documentTitle={`Members · ${organisation}`}
      crumbs={[{ label: organisation, to: paths.organisation(organisation) }, { label: 'Members' }]}
    >
      {membership && (
        <>
          <MemberList
            organisation={organisation}
            organisationId={membership.organisationId}
            canEdit={isAdmin}
            ownUserId={session?.user?.userId}
          />
          {isAdmin ? (
            <>
              <AddMember organisation={organisation} organisationId={membership.organisationId} />
              {providers.length > 0 && (
                <JoinRules
                  organisation={organisation}
                  organisationId={membership.organisationId}
                  providers={providers}
                />
              )}
              <ServiceAccountList organisationId={membership.organisationId} />
              <FileRetention organisationId={membership.organisationId} />
            </>
          ) : (
            <p className="text-muted">
              Only admins of {organisation} can add members and change their roles.
            </p>
          )}
        </>
      )}
    </Page>
  );
}
