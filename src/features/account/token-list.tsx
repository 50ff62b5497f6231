import { timestampDate } from '@bufbuild/protobuf/wkt';
import { useQuery } from '@connectrpc/connect-query';
import { RelativeTime } from '#src/components/relative-time.tsx';
import { Row, Rows } from '#src/components/rows.tsx';
import { Section } from '#src/components/section.tsx';
import { Empty, Failed, Loading } from '#src/components/states.tsx';
import { UsersService } from '#src/gen/forest/v1/users_pb.ts';
import { describeError } from '#src/lib/errors.ts';

/** The caller's personal access tokens: what they are for, and when they end. The tokens themselves are never shown. */
export function TokenList({ userId }: { readonly userId: string }) {
  const query = useQuery(UsersService.method.listPersonalAccessTokens, { userId });
  return (
    <Section title="Access tokens" flush>
      {query.isPending && <Loading label="Loading access tokens…" />}
      {query.error && (
        <Failed
          title="The access tokens could not be loaded."
          message={describeError(query.error).message}
          onRetry={query.refetch}
          retrying={query.isFetching}
        />
      )}
      {query.data?.tokens.length === 0 && <Empty title="No access tokens." />}
      {query.data && query.data.tokens.length > 0 && (
        <Rows label="Access tokens">
          {query.data.tokens.map(({ tokenId, name, scopes, expiresAt, lastUsed }) => (
            <Row key={tokenId}>
              <span className="min-w-0 font-medium wrap-anywhere">{name}</span>
              <span className="text-muted">{scopes.join(', ')}</span>
              <span className="ml-auto text-xs text-muted">
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
                    ends <RelativeTime value={timestampDate(expiresAt)} />
                  </>
                ) : (
                  'does not end'
                )}
              </span>
            </Row>
          ))}
        </Rows>
      )}
    </Section>
  );
}
