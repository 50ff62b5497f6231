import { timestampDate } from '@bufbuild/protobuf/wkt';
import { useState } from 'react';
import { Button } from '#src/components/button.tsx';
import { DeleteDialog } from '#src/components/delete-dialog.tsx';
import { RelativeTime } from '#src/components/relative-time.tsx';
import { TokenFacts } from '#src/components/token-facts.tsx';
import type { ServiceAccount, ServiceAccountToken } from '#src/gen/forest/v1/service_accounts_pb.ts';
import { hasExpired } from '#src/lib/token-life.ts';
import { visibleText } from '#src/lib/visible-text.ts';
import { CreateAccountTokenDialog } from './create-account-token-dialog.tsx';
import { useServiceAccountMutations } from './use-service-accounts.ts';

export interface ServiceAccountRowProps {
  readonly organisationId: string;
  readonly account: ServiceAccount;
}

/** One service account with its tokens. */
export function ServiceAccountRow({ organisationId, account }: ServiceAccountRowProps) {
  const [dialog, setDialog] = useState<'token' | 'delete'>();
  const [revoking, setRevoking] = useState<ServiceAccountToken>();
  const { remove, revokeToken } = useServiceAccountMutations();
  const { serviceAccountId, name, createdAt, tokens } = account;
  return (
    <li className="border-b border-line last:border-b-0">
      <div className="flex flex-wrap items-center gap-x-3 gap-y-1 px-4 py-2.5">
        <span className="min-w-0 font-medium wrap-anywhere">{name}</span>
        <span className="text-xs text-muted">
          created <RelativeTime value={createdAt && timestampDate(createdAt)} />
        </span>
        <span className="ml-auto flex flex-wrap gap-1">
          <Button variant="text" aria-label={`Create token for ${name}`} onClick={() => setDialog('token')}>
            Create token
          </Button>
          <Button variant="text" aria-label={`Delete ${name}`} onClick={() => setDialog('delete')}>
            Delete
          </Button>
        </span>
      </div>
      {tokens.length === 0 ? (
        <p className="px-8 pb-2.5 text-xs text-muted">No tokens yet</p>
      ) : (
        <ul aria-label={`Tokens of ${name}`} className="pb-1 pl-4">
          {tokens.map((token) => (
            <li key={token.tokenId} className="flex flex-wrap items-center gap-x-3 gap-y-1 px-4 py-1.5">
              <TokenFacts
                token={{ ...token, createdBy: token.createdBy ?? 'an unknown user' }}
                expired={hasExpired(token, Date.now())}
              />
              <span className="ml-auto">
                <Button
                  variant="text"
                  aria-label={visibleText(`Delete token ${token.name} of ${name}`)}
                  onClick={() => setRevoking(token)}
                >
                  Delete
                </Button>
              </span>
            </li>
          ))}
        </ul>
      )}
      {dialog === 'token' && (
        <CreateAccountTokenDialog
          organisationId={organisationId}
          account={account}
          onClose={() => setDialog(undefined)}
        />
      )}
      {dialog === 'delete' && (
        <DeleteDialog
          what="service account"
          name={name}
          description="Its tokens will be refused immediately. Releases it created continue. This can't be undone."
          deletion={remove}
          onConfirm={(done) => remove.mutate({ organisationId, serviceAccountId }, done)}
          onClose={() => setDialog(undefined)}
        />
      )}
      {revoking && (
        <DeleteDialog
          what="token"
          name={revoking.name}
          description="Requests with this token will be refused immediately. This can't be undone."
          deletion={revokeToken}
          onConfirm={(done) =>
            revokeToken.mutate({ organisationId, serviceAccountId, tokenId: revoking.tokenId }, done)
          }
          onClose={() => setRevoking(undefined)}
        />
      )}
    </li>
  );
}
