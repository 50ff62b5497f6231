import type { MessageInitShape } from '@bufbuild/protobuf';
import { timestampFromDate } from '@bufbuild/protobuf/wkt';
import { invalid } from '#server/failure.ts';
import type { IssuedTokens } from '#server/features/credentials/service.ts';
import type {
  AuthTokensSchema,
  GetUserRequest,
  LoginRequest,
  UserSchema,
} from '#server/gen/forest/v1/users_pb.ts';
import type { User, UserIdentifier } from './service.ts';

/** Whole seconds since 1970. */
export const unixSeconds = (date: Date): bigint => BigInt(Math.floor(date.getTime() / 1000));

/** Addresses are not verified yet, and there is no second factor. */
export const userToWire = (user: User): MessageInitShape<typeof UserSchema> => ({
  userId: user.userId,
  username: user.username,
  emails: user.email === null ? [] : [{ email: user.email, verified: false }],
  mfaEnabled: false,
  createdAt: timestampFromDate(user.createdAt),
  updatedAt: timestampFromDate(user.updatedAt),
  profilePictureUrl: user.profilePictureUrl ?? undefined,
});

/** Despite its name, `expires_in_seconds` is an absolute Unix time: existing clients read it so. */
export const authTokensToWire = (tokens: IssuedTokens): MessageInitShape<typeof AuthTokensSchema> => ({
  accessToken: tokens.accessToken,
  refreshToken: tokens.refreshToken,
  expiresInSeconds: unixSeconds(tokens.accessExpiresAt),
});

const KEYS = { userId: 'user_id', username: 'username', email: 'email' } as const;

/** @throws Failure `invalid_argument` when no field of the group is set. */
export function identifierFromWire(
  identifier: LoginRequest['identifier'] | GetUserRequest['identifier'],
): UserIdentifier {
  if (identifier.case === undefined)
    throw invalid({ field: 'identifier', message: 'must name the user by one of its fields' });
  return { key: KEYS[identifier.case], value: identifier.value };
}
