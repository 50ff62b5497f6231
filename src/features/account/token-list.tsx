import { timestampDate } from '@bufbuild/protobuf/wkt';
import { useQuery } from '@connectrpc/connect-query';
import { useState } from 'react';
import { Badge } from '#src/components/badge.tsx';
import { Button } from '#src/components/button.tsx';
import { RelativeTime } from '#src/components/relative-time.tsx';
import { Row, Rows } from '#src/components/rows.tsx';
import { Section } from '#src/components/section.tsx';
import { Empty, Failed, Loading } from '#src/components/states.tsx';
import { announce } from '#src/components/toast.tsx';
import { type PersonalAccessToken, UsersService } from '#src/gen/forest/v1/users_pb.ts';
import { describeError } from '#src/lib/errors.ts';
import { CreateTokenDialog, type MadeToken } from './create-token-dialog.tsx';
import { DeleteTokenDialog } from './delete-token-dialog.tsx';
import { NewToken } from './new-token.tsx';
import { hasEnded } from './token-words.ts';

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
      {made && <NewToken token={made} onDone={() => setMade(undefined)} />}
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
          A CI job that annotates and releases signs in with one. Create it with “read” and “release”.
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
  const ended = hasEnded(token, Date.now());
  return (
    <>
      <span className="flex min-w-0 flex-col gap-0.5">
        <span className="flex flex-wrap items-center gap-2">
          <span className="min-w-0 font-medium wrap-anywhere">{name}</span>
          {scopes.map((scope) => (
            <Badge key={scope} icon={null}>
              {scope}
            </Badge>
          ))}
          {ended && <Badge tone="failed">ended</Badge>}
        </span>
        <span className="text-xs text-muted">
          made <RelativeTime value={createdAt && timestampDate(createdAt)} />
          {' · '}
          {lastUsed ? (
            <>
              used <RelativeTime value={timestampDate(lastUsed)} />
            </>
          ) : (
            'never used'
          )}
          {' · '}
          {expiresAt ? (
            <>
              {ended ? 'ended' : 'ends'} <RelativeTime value={timestampDate(expiresAt)} />
            </>
          ) : (
            'does not end'
          )}
        </span>
      </span>
      <span className="ml-auto">
        <Button variant="reject" onClick={onDelete} aria-label={`Delete ${name}`}>
          Delete
        </Button>
      </span>
    </>
  );
}
