import { Page } from '#src/components/page.tsx';
import { OrganisationList } from '#src/features/organisations/organisation-list.tsx';
import { PendingApprovals } from '#src/features/pending/pending-approvals.tsx';

export function Component() {
  return (
    <Page title="Home">
      <PendingApprovals />
      <OrganisationList />
    </Page>
  );
}
