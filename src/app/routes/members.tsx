import type { LoaderFunctionArgs } from 'react-router';
import { Page } from '#src/components/page.tsx';
import { paths } from '#src/config/paths.ts';
import { AddMember } from '#src/features/organisations/add-member.tsx';
import { FileRetention } from '#src/features/organisations/file-retention.tsx';
import { JoinRules } from '#src/features/organisations/join-rules.tsx';
import { MemberList } from '#src/features/organisations/member-list.tsx';
import { ServiceAccountList } from '#src/features/service-accounts/service-account-list.tsx';
import { sessionQuery, useSession } from '#src/lib/session.ts';
import { useIsAdmin, useSignInMethods } from '#src/lib/session-facts.ts';
import { notFound, organisationIn, useOrganisationParam } from '../route-params.ts';
import { servicesOf } from '../services.ts';

export async function loader({ params, context }: LoaderFunctionArgs) {
  const { queryClient, transport } = servicesOf(context);
  const { session } = await queryClient.ensureQueryData(sessionQuery(transport));
  const organisation = organisationIn(params);
  if (!session?.memberships.some((membership) => membership.organisation === organisation)) throw notFound();
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
