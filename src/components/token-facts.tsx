import { type Timestamp, timestampDate } from '@bufbuild/protobuf/wkt';
import { Badge } from './badge.tsx';
import { RelativeTime } from './relative-time.tsx';

export interface TokenFactsProps {
  readonly name: string;
  readonly scopes: readonly string[];
  readonly createdAt: Timestamp | undefined;
  /** Undefined: never. */
  readonly expiresAt: Timestamp | undefined;
  readonly lastUsed: Timestamp | undefined;
  readonly ended: boolean;
}

/** What is told of an access token, without its secret: what it may do, when it was used, and how long it lives. */
export function TokenFacts({ name, scopes, createdAt, expiresAt, lastUsed, ended }: TokenFactsProps) {
  return (
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
  );
}
