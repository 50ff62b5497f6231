import { useQuery } from '@connectrpc/connect-query';
import { useState } from 'react';
import { Button } from '#src/components/button.tsx';
import { Row, Rows } from '#src/components/rows.tsx';
import { Section } from '#src/components/section.tsx';
import { ShownOnce } from '#src/components/shown-once.tsx';
import { Empty, Failed, Loading } from '#src/components/states.tsx';
import { announce } from '#src/components/toast.tsx';
import { TokenFacts } from '#src/components/token-facts.tsx';
import { type PersonalAccessToken, UsersService } from '#src/gen/forest/v1/users_pb.ts';
import { describeError } from '#src/lib/errors.ts';
import { hasEnded } from '#src/lib/token-life.ts';
import { CreateTokenDialog, type MadeToken } from './create-token-dialog.tsx';
import { DeleteTokenDialog } from './delete-token-dialog.tsx';

/** The caller's personal access tokens: made, listed without their secrets, deleted. */
export function TokenList({ userId }: { readonly userId: string }) {
  const query = useQuery(UsersService.method.listPersonalAccessTokens, { userId });
  const [creating, setCreating] = useState(false);
  const [made, setMade] = useState<MadeToken>();
  const [deleting, setDeleting] = useState<PersonalAccessToken>();
  const tokens = query.data?.tokens ?? [];
  return (
    <Section
      title="Access tokens"
      flush
      actions={<Button onClick={() => setCreating(true)}>Create token</Button>}
    >
      {made && (
        <ShownOnce label={`Token “${made.name}”`} secret={made.secret} onDone={() => setMade(undefined)} />
      )}
      {query.isPending && <Loading label="Loading access tokens…" />}
      {query.error && (
        <Failed
          title="The access tokens could not be loaded."
          message={describeError(query.error).message}
          onRetry={query.refetch}
          retrying={query.isFetching}
        />
      )}
      {query.data && tokens.length === 0 && (
        <Empty title="No access tokens.">
          For scripts of your own. A CI job is better served by a service account, which admins make on the
          members’ page.
        </Empty>
      )}
      {tokens.length > 0 && (
        <Rows label="Access tokens">
          {tokens.map((token) => (
            <Row key={token.tokenId}>
              <TokenRow token={token} onDelete={() => setDeleting(token)} />
            </Row>
          ))}
        </Rows>
      )}
      {creating && (
        <CreateTokenDialog
          userId={userId}
          onClose={() => setCreating(false)}
          onMade={(token) => {
            setMade(token);
            announce('Token created. Copy it now: it is not shown again.');
            setCreating(false);
          }}
        />
      )}
      {deleting && <DeleteTokenDialog token={deleting} onClose={() => setDeleting(undefined)} />}
    </Section>
  );
}

function TokenRow({
  token,
  onDelete,
}: {
  readonly token: PersonalAccessToken;
  readonly onDelete: () => void;
}) {
  const { name, scopes, createdAt, expiresAt, lastUsed } = token;
  return (
    <>
      <TokenFacts {...{ name, scopes, createdAt, expiresAt, lastUsed }} ended={hasEnded(token, Date.now())} />
      <span className="ml-auto">
        <Button variant="reject" onClick={onDelete} aria-label={`Delete ${name}`}>
          Delete
        </Button>
      </span>
    </>
  );
}
