import { useQuery } from '@connectrpc/connect-query';
import { useState } from 'react';
import { Button } from '#src/components/button.tsx';
import { Rows } from '#src/components/rows.tsx';
import { Section } from '#src/components/section.tsx';
import { Empty, Failed, Loading } from '#src/components/states.tsx';
import { ServiceAccountService } from '#src/gen/forest/v1/service_accounts_pb.ts';
import { describeError } from '#src/lib/errors.ts';
import { AccountRow } from './account-row.tsx';
import { CreateAccountDialog } from './create-account-dialog.tsx';

/** For admins: the organisation's service accounts, by which its pipelines annotate and release. */
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
      {query.isPending && <Loading label="Loading service accounts…" />}
      {query.error && (
        <Failed
          title="The service accounts could not be loaded."
          message={describeError(query.error).message}
          onRetry={query.refetch}
          retrying={query.isFetching}
        />
      )}
      {query.data && accounts.length === 0 && (
        <Empty title="No service accounts.">
          A pipeline annotates builds and asks for their release by one. It never approves, and whom it names
          as a build’s source cannot approve that either.
        </Empty>
      )}
      {accounts.length > 0 && (
        <Rows label="Service accounts">
          {accounts.map((account) => (
            <AccountRow key={account.serviceAccountId} organisationId={organisationId} account={account} />
          ))}
        </Rows>
      )}
      {creating && <CreateAccountDialog organisationId={organisationId} onClose={() => setCreating(false)} />}
    </Section>
  );
}
