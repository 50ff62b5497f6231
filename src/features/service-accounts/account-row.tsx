import { timestampDate } from '@bufbuild/protobuf/wkt';
import { useState } from 'react';
import { Button } from '#src/components/button.tsx';
import { DeleteDialog } from '#src/components/delete-dialog.tsx';
import { RelativeTime } from '#src/components/relative-time.tsx';
import { ShownOnce } from '#src/components/shown-once.tsx';
import { announce } from '#src/components/toast.tsx';
import { TokenFacts } from '#src/components/token-facts.tsx';
import type { ServiceAccount, ServiceAccountToken } from '#src/gen/forest/v1/service_accounts_pb.ts';
import { hasEnded } from '#src/lib/token-life.ts';
import { CreateAccountTokenDialog, type MadeToken } from './create-account-token-dialog.tsx';
import { useServiceAccountWrites } from './use-service-account-writes.ts';

export interface AccountRowProps {
  readonly organisationId: string;
  readonly account: ServiceAccount;
}

/** One service account with its tokens: made, shown once, revoked; and its own end. */
export function AccountRow({ organisationId, account }: AccountRowProps) {
  const [asked, setAsked] = useState<'token' | 'delete'>();
  const [made, setMade] = useState<MadeToken>();
  const [revoking, setRevoking] = useState<ServiceAccountToken>();
  const { remove, revokeToken } = useServiceAccountWrites();
  const { serviceAccountId, name, createdAt, tokens } = account;
  return (
    <li className="border-b border-line last:border-b-0">
      <div className="flex flex-wrap items-center gap-x-3 gap-y-1 px-4 py-2.5">
        <span className="min-w-0 font-medium wrap-anywhere">{name}</span>
        <span className="text-xs text-muted">
          made <RelativeTime value={createdAt && timestampDate(createdAt)} />
        </span>
        <span className="ml-auto flex flex-wrap gap-2">
          <Button aria-label={`Create token for ${name}`} onClick={() => setAsked('token')}>
            Create token
          </Button>
          <Button variant="reject" aria-label={`Delete ${name}`} onClick={() => setAsked('delete')}>
            Delete
          </Button>
        </span>
      </div>
      {made && (
        <ShownOnce
          label={`Token “${made.name}” of ${name}`}
          secret={made.secret}
          onDone={() => setMade(undefined)}
        />
      )}
      {tokens.length === 0 ? (
        <p className="px-8 pb-2.5 text-xs text-muted">No tokens.</p>
      ) : (
        <ul aria-label={`Tokens of ${name}`} className="pb-1 pl-4">
          {tokens.map((token) => (
            <li key={token.tokenId} className="flex flex-wrap items-center gap-x-3 gap-y-1 px-4 py-1.5">
              <TokenFacts
                {...{ name: token.name, scopes: token.scopes, createdAt: token.createdAt }}
                {...{ expiresAt: token.expiresAt, lastUsed: token.lastUsed }}
                ended={hasEnded(token, Date.now())}
              />
              <span className="ml-auto">
                <Button
                  variant="reject"
                  aria-label={`Delete token ${token.name} of ${name}`}
                  onClick={() => setRevoking(token)}
                >
                  Delete
                </Button>
              </span>
            </li>
          ))}
        </ul>
      )}
      {asked === 'token' && (
        <CreateAccountTokenDialog
          organisationId={organisationId}
          account={account}
          onClose={() => setAsked(undefined)}
          onMade={(token) => {
            setMade(token);
            announce('Token created. Copy it now: it is not shown again.');
            setAsked(undefined);
          }}
        />
      )}
      {asked === 'delete' && (
        <DeleteDialog
          what="service account"
          name={name}
          description="Its tokens are refused at once. Releases that it asked for go on, and stay its own. This cannot be undone."
          deletion={remove}
          onConfirm={(done) => remove.mutate({ organisationId, serviceAccountId }, done)}
          onClose={() => setAsked(undefined)}
        />
      )}
      {revoking && (
        <DeleteDialog
          what="token"
          name={revoking.name}
          description="Whatever calls with it is refused at once. This cannot be undone."
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
