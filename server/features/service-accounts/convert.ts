import type { MessageInitShape } from '@bufbuild/protobuf';
import { timestampFromDate } from '@bufbuild/protobuf/wkt';
import { invalid } from '#server/failure.ts';
import { tokenToWire } from '#server/features/credentials/convert.ts';
import type { AccessToken } from '#server/features/credentials/tokens.ts';
import type {
  ServiceAccountSchema,
  ServiceAccountTokenSchema,
} from '#server/gen/forest/v1/service_accounts_pb.ts';
import type { ServiceAccount } from './service.ts';

export const accountTokenToWire = (
  token: AccessToken,
): MessageInitShape<typeof ServiceAccountTokenSchema> => ({
  ...tokenToWire(token),
  createdBy: token.createdBy ?? undefined,
  createdByUserId: token.createdById ?? undefined,
});

export const accountToWire = (account: ServiceAccount): MessageInitShape<typeof ServiceAccountSchema> => ({
  serviceAccountId: account.userId,
  name: account.name,
  username: account.username,
  createdAt: timestampFromDate(account.createdAt),
  tokens: account.tokens.map(accountTokenToWire),
});

export function scopeFromWire(scope: string): string {
  if (scope === 'read' || scope === 'release') return scope;
  throw invalid({ field: 'scopes', message: `must be "read" or "release", not "${scope}"` });
}
