import { useQuery } from '@connectrpc/connect-query';
import { useState } from 'react';
import { Button } from '#src/components/button.tsx';
import { PagedList } from '#src/components/paged-list.tsx';
import { Rows } from '#src/components/rows.tsx';
import { Section } from '#src/components/section.tsx';
import { Empty } from '#src/components/states.tsx';
import { ServiceAccountService } from '#src/gen/forest/v1/service_accounts_pb.ts';
import { CreateAccountDialog } from './create-account-dialog.tsx';
import { ServiceAccountRow } from './service-account-row.tsx';

/** For admins: the organisation's service accounts, which CI jobs use. */
export function ServiceAccountList({ organisationId }: { readonly organisationId: string }) {
  const query = useQuery(ServiceAccountService.method.listServiceAccounts, { organisationId });
  const [creating, setCreating] = useState(false);
  const accounts = query.data?.serviceAccounts ?? [];
  return (
    <Section
      title="Service accounts"
      flush
      actions={<Button onClick={() => setCreating(true)}>Create service account</Button>}
    >
      <PagedList
        query={query}
        what="service accounts"
        count={accounts.length}
        empty={
          <Empty title="No service accounts yet">
            CI jobs use them to annotate builds and release them. Service accounts can never approve, and the
            user named as a build's source can't approve that build.
          </Empty>
        }
      >
        <Rows label="Service accounts">
          {accounts.map((account) => (
            <ServiceAccountRow
              key={account.serviceAccountId}
              organisationId={organisationId}
              account={account}
            />
          ))}
        </Rows>
      </PagedList>
      {creating && <CreateAccountDialog organisationId={organisationId} onClose={() => setCreating(false)} />}
    </Section>
  );
}
