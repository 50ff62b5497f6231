import { timestampDate } from '@bufbuild/protobuf/wkt';
import { useState } from 'react';
import { Badge } from '#src/components/badge.tsx';
import { Button } from '#src/components/button.tsx';
import { RelativeTime } from '#src/components/relative-time.tsx';
import { Row, Rows } from '#src/components/rows.tsx';
import { Section } from '#src/components/section.tsx';
import { ActionError, Empty, Failed, Loading } from '#src/components/states.tsx';
import type { Identity } from '#src/gen/forest/v1/identities_pb.ts';
import type { SignInProvider } from '#src/gen/forest/v1/sessions_pb.ts';
import { describeError } from '#src/lib/errors.ts';
import { DisconnectDialog } from './disconnect-dialog.tsx';
import { useIdentities, useIdentityWrites } from './use-identities.ts';

/** The caller's accounts at providers, by which they sign in: connected, listed, disconnected. */
export function IdentityList({ providers }: { readonly providers: readonly SignInProvider[] }) {
  const query = useIdentities();
  const { connect } = useIdentityWrites();
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
          <ActionError>Nothing was connected. {describeError(connect.error).message}</ActionError>
        </div>
      )}
      {query.isPending && <Loading label="Loading sign-in providers…" />}
      {query.error && (
        <Failed
          title="The sign-in providers could not be loaded."
          message={describeError(query.error).message}
          onRetry={query.refetch}
          retrying={query.isFetching}
        />
      )}
      {query.data && identities.length === 0 && (
        <Empty title="No accounts connected.">Connect one to sign in with it instead of a password.</Empty>
      )}
      {identities.length > 0 && (
        <Rows label="Sign-in providers">
          {identities.map((identity) => (
            <Row key={identity.identityId}>
              <span className="min-w-0 font-medium wrap-anywhere">{identity.email}</span>
              <Badge icon={null}>{nameOf(identity.provider)}</Badge>
              <span className="text-xs text-muted">
                last used <RelativeTime value={identity.lastUsedAt && timestampDate(identity.lastUsedAt)} />
              </span>
              <span className="ml-auto">
                <Button
                  variant="reject"
                  aria-label={`Disconnect ${identity.email} at ${nameOf(identity.provider)}`}
                  onClick={() => setLeaving(identity)}
                >
                  Disconnect
                </Button>
              </span>
            </Row>
          ))}
        </Rows>
      )}
      {leaving && (
        <DisconnectDialog
          identity={leaving}
          providerName={nameOf(leaving.provider)}
          onClose={() => setLeaving(undefined)}
        />
      )}
    </Section>
  );
}
