import type { MessageInitShape } from '@bufbuild/protobuf';
import { timestampFromDate } from '@bufbuild/protobuf/wkt';
import type { PersonalToken } from '#server/features/credentials/personal-tokens.ts';
import type { IssuedTokens } from '#server/features/credentials/service.ts';
import type {
  AuthTokensSchema,
  PersonalAccessTokenSchema,
  UserSchema,
} from '#server/gen/forest/v1/users_pb.ts';
import type { User } from './service.ts';

/** Whole seconds since 1970. */
export const unixSeconds = (date: Date): bigint => BigInt(Math.floor(date.getTime() / 1000));

/** A user on the wire. Addresses are not verified by anything yet, and there is no second factor. */
export const toUser = (user: User): MessageInitShape<typeof UserSchema> => ({
  userId: user.userId,
  username: user.username,
  emails: user.email === null ? [] : [{ email: user.email, verified: false }],
  mfaEnabled: false,
  createdAt: timestampFromDate(user.createdAt),
  updatedAt: timestampFromDate(user.updatedAt),
  profilePictureUrl: user.profilePictureUrl ?? undefined,
});

/** Despite its name the contract's `expires_in_seconds` is the absolute Unix time: existing clients read it so. */
export const toAuthTokens = (tokens: IssuedTokens): MessageInitShape<typeof AuthTokensSchema> => ({
  accessToken: tokens.accessToken,
  refreshToken: tokens.refreshToken,
  expiresInSeconds: unixSeconds(tokens.accessExpiresAt),
});

export const toPersonalToken = (
  token: PersonalToken,
): MessageInitShape<typeof PersonalAccessTokenSchema> => ({
  tokenId: token.tokenId,
  name: token.name,
  scopes: [...token.scopes],
  createdAt: timestampFromDate(token.createdAt),
  expiresAt: token.expiresAt === null ? undefined : timestampFromDate(token.expiresAt),
  lastUsed: token.lastUsedAt === null ? undefined : timestampFromDate(token.lastUsedAt),
});
