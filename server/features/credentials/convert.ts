import { timestampFromDate } from '@bufbuild/protobuf/wkt';
import type { AccessToken } from './tokens.ts';

/** An access token on the wire; the messages of users' and of service accounts' tokens have the same fields. */
export const tokenToWire = ({ tokenId, name, scopes, createdAt, expiresAt, lastUsedAt }: AccessToken) => ({
  tokenId,
  name,
  scopes: [...scopes],
  createdAt: timestampFromDate(createdAt),
  expiresAt: expiresAt === null ? undefined : timestampFromDate(expiresAt),
  lastUsed: lastUsedAt === null ? undefined : timestampFromDate(lastUsedAt),
});
