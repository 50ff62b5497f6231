import { useQuery } from '@connectrpc/connect-query';
import { useState } from 'react';
import { Button } from '#src/components/button.tsx';
import { DeleteDialog } from '#src/components/delete-dialog.tsx';
import { PagedList } from '#src/components/paged-list.tsx';
import { Row, Rows } from '#src/components/rows.tsx';
import { Section } from '#src/components/section.tsx';
import { Empty } from '#src/components/states.tsx';
import { TokenFacts } from '#src/components/token-facts.tsx';
import { type PersonalAccessToken, UsersService } from '#src/gen/forest/v1/users_pb.ts';
import { hasExpired } from '#src/lib/token-life.ts';
import { visibleText } from '#src/lib/visible-text.ts';
import { CreateTokenDialog } from './create-token-dialog.tsx';
import { useTokenMutations } from './use-tokens.ts';

/** The caller's personal access tokens, without their secrets. */
export function TokenList({ userId }: { readonly userId: string }) {
  const query = useQuery(UsersService.method.listPersonalAccessTokens, { userId });
  const { remove } = useTokenMutations();
  const [creating, setCreating] = useState(false);
  const [deleting, setDeleting] = useState<PersonalAccessToken>();
  const tokens = query.data?.tokens ?? [];
  return (
    <Section
      title="Access tokens"
      flush
      actions={<Button onClick={() => setCreating(true)}>Create token</Button>}
    >
      <PagedList
        query={query}
        what="access tokens"
        count={tokens.length}
        empty={
          <Empty title="No access tokens yet">
            Create one for your own scripts. For CI jobs, admins create service accounts on the Members page.
          </Empty>
        }
      >
        <Rows label="Access tokens">
          {tokens.map((token) => (
            <Row key={token.tokenId}>
              <TokenFacts token={token} expired={hasExpired(token, Date.now())} />
              <span className="ml-auto">
                <Button
                  variant="text"
                  onClick={() => setDeleting(token)}
                  aria-label={visibleText(`Delete ${token.name}`)}
                >
                  Delete
                </Button>
              </span>
            </Row>
          ))}
        </Rows>
      </PagedList>
      {creating && <CreateTokenDialog userId={userId} onClose={() => setCreating(false)} />}
      {deleting && (
        <DeleteDialog
          what="access token"
          name={deleting.name}
          description="Requests with this token will be refused immediately. This can't be undone."
          deletion={remove}
          onConfirm={(done) => remove.mutate({ tokenId: deleting.tokenId }, done)}
          onClose={() => setDeleting(undefined)}
        />
      )}
    </Section>
  );
}
