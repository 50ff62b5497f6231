import { type Timestamp, timestampDate } from '@bufbuild/protobuf/wkt';
import { Badge } from './badge.tsx';
import { ExpiryTime } from './expiry-time.tsx';
import { RelativeTime } from './relative-time.tsx';
import { UserText } from './user-text.tsx';

export interface TokenFactsProps {
  readonly token: {
    readonly name: string;
    readonly scopes: readonly string[];
    readonly createdAt?: Timestamp;
    /** Absent for a token without expiry. */
    readonly expiresAt?: Timestamp;
    readonly lastUsed?: Timestamp;
    /** Who created a service account's token. */
    readonly createdBy?: string;
  };
  readonly expired: boolean;
}

/** An access token without its secret: its scopes, last use and expiry. */
export function TokenFacts({ token, expired }: TokenFactsProps) {
  const { name, scopes, createdAt, createdBy, expiresAt, lastUsed } = token;
  return (
    <span className="flex min-w-0 flex-col gap-0.5">
      <span className="flex flex-wrap items-center gap-2">
        <span className="min-w-0 font-medium wrap-anywhere">
          <UserText>{name}</UserText>
        </span>
        {scopes.map((scope) => (
          <Badge key={scope} icon={null}>
            {scope}
          </Badge>
        ))}
        {expired && <Badge tone="failed">expired</Badge>}
      </span>
      <span className="text-xs text-muted">
        created <RelativeTime value={createdAt && timestampDate(createdAt)} />
        {createdBy && ` by ${createdBy}`}
        {' · '}
        {lastUsed ? (
          <>
            last used <RelativeTime value={timestampDate(lastUsed)} />
          </>
        ) : (
          'never used'
        )}
        {' · '}
        {expiresAt ? (
          <>
            {expired ? 'expired' : 'expires'} <ExpiryTime value={timestampDate(expiresAt)} />
          </>
        ) : (
          'never expires'
        )}
      </span>
    </span>
  );
}
