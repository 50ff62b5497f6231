import { timestampDate } from '@bufbuild/protobuf/wkt';
import { useState } from 'react';
import { Badge } from '#src/components/badge.tsx';
import { Button } from '#src/components/button.tsx';
import { ConfirmDialog } from '#src/components/confirm-dialog.tsx';
import { PagedList } from '#src/components/paged-list.tsx';
import { RelativeTime } from '#src/components/relative-time.tsx';
import { Row, Rows } from '#src/components/rows.tsx';
import { Section } from '#src/components/section.tsx';
import { ActionError, Empty } from '#src/components/states.tsx';
import { announce } from '#src/components/toast.tsx';
import { UserText } from '#src/components/user-text.tsx';
import type { Identity } from '#src/gen/forest/v1/identities_pb.ts';
import type { SignInProvider } from '#src/gen/forest/v1/sessions_pb.ts';
import { describeError } from '#src/lib/errors.ts';
import { visibleText } from '#src/lib/visible-text.ts';
import { useIdentities, useIdentityMutations } from './use-identities.ts';

/** The caller's accounts at sign-in providers, to connect and disconnect. */
export function IdentityList({ providers }: { readonly providers: readonly SignInProvider[] }) {
  const query = useIdentities();
  const { connect, disconnect } = useIdentityMutations();
  const [leaving, setLeaving] = useState<Identity>();
  const identities = query.data?.identities ?? [];
  const nameOf = (id: string) => providers.find(({ provider }) => provider === id)?.name ?? id;
  return (
    <Section
      title="Sign-in providers"
      flush
      actions={providers.map(({ provider, name }) => (
        <Button
          key={provider}
          pending={connect.isPending && connect.variables?.provider === provider}
          onClick={() => connect.mutate({ provider })}
        >
          Connect {name}
        </Button>
      ))}
    >
      {connect.error && (
        <div className="px-4 py-2.5">
          <ActionError>{`Couldn't connect the account. ${describeError(connect.error).message}`}</ActionError>
        </div>
      )}
      <PagedList
        query={query}
        what="sign-in providers"
        count={identities.length}
        empty={
          <Empty title="No accounts connected">Connect one to sign in with it instead of a password.</Empty>
        }
      >
        <Rows label="Sign-in providers">
          {identities.map((identity) => (
            <Row key={identity.identityId}>
              <span className="min-w-0 font-medium wrap-anywhere">
                <UserText>{identity.email}</UserText>
              </span>
              <Badge icon={null}>{nameOf(identity.provider)}</Badge>
              <span className="text-xs text-muted">
                last used <RelativeTime value={identity.lastUsedAt && timestampDate(identity.lastUsedAt)} />
              </span>
              <span className="ml-auto">
                <Button
                  variant="text"
                  aria-label={visibleText(`Disconnect ${identity.email} at ${nameOf(identity.provider)}`)}
                  onClick={() => setLeaving(identity)}
                >
                  Disconnect
                </Button>
              </span>
            </Row>
          ))}
        </Rows>
      </PagedList>
      {leaving && (
        <ConfirmDialog
          title={`Disconnect ${leaving.email} at ${nameOf(leaving.provider)}?`}
          description="You won't be able to sign in with this account. Current sessions stay signed in."
          confirmLabel="Disconnect"
          failure={`Couldn't disconnect ${leaving.email}`}
          mutation={disconnect}
          onConfirm={() =>
            disconnect.mutate(
              { identityId: leaving.identityId },
              {
                onSuccess: () => {
                  announce(`${leaving.email} at ${nameOf(leaving.provider)} was disconnected`);
                  setLeaving(undefined);
                },
              },
            )
          }
          onClose={() => {
            disconnect.reset();
            setLeaving(undefined);
          }}
        />
      )}
    </Section>
  );
}
