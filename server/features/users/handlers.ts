import type { ServiceImpl } from '@connectrpc/connect';
import type { AppContext } from '#server/context.ts';
import { invalid } from '#server/failure.ts';
import {
  createPersonalToken,
  deletePersonalToken,
  personalTokensOf,
} from '#server/features/credentials/personal-tokens.ts';
import { csrfToken } from '#server/features/credentials/secret.ts';
import { credentialExpiry, endLogin, rotateRefreshToken } from '#server/features/credentials/service.ts';
import { cookieIsSecure, sessionCookie } from '#server/features/credentials/session-cookie.ts';
import type { GetUserRequest, LoginRequest, UsersService } from '#server/gen/forest/v1/users_pb.ts';
import { callerOf, maybeCallerOf } from '#server/rpc/access.ts';
import { nextPageToken, pageOf } from '#server/rpc/page.ts';
import { toAuthTokens, toPersonalToken, toUser, unixSeconds } from './convert.ts';
import {
  changePassword,
  getUser,
  listUsers,
  login,
  register,
  requireOwn,
  requirePasswords,
  type UserIdentifier,
} from './service.ts';

/** UsersService: who people are, how they prove it, and the tokens they prove it with. */
export function usersHandlers(app: AppContext): ServiceImpl<typeof UsersService> {
  return {
    async register(request, context) {
      const { user, tokens } = await register(app, maybeCallerOf(context), request);
      const authTokens = tokens === null ? undefined : toAuthTokens(tokens);
      return { user: toUser(user), tokens: authTokens, emailVerificationRequired: false };
    },
    async login(request) {
      const { user, tokens } = await login(app, identifierOf(request.identifier), request.password);
      return { user: toUser(user), tokens: toAuthTokens(tokens), mfaRequired: false, mfaSessionToken: '' };
    },
    async refreshToken(request) {
      // Such a login began with a password, and could be prolonged for ever.
      requirePasswords(app);
      return { tokens: toAuthTokens(await rotateRefreshToken(app, request.refreshToken)) };
    },
    async logout(request) {
      await endLogin(app, request.refreshToken);
      return {};
    },
    async getUser(request, context) {
      const user = await getUser(app, callerOf(context), identifierOf(request.identifier));
      return { user: toUser(user) };
    },
    async listUsers(request, context) {
      const page = pageOf(request, ['text']);
      const found = await listUsers(app, callerOf(context), request.search ?? '', page);
      const { rows, nextPageToken: next } = nextPageToken(found.users, page.limit, (u) => [u.username]);
      return { users: rows.map(toUser), nextPageToken: next, totalCount: found.totalCount };
    },
    async changePassword(request, context) {
      const renewed = await changePassword(app, callerOf(context), request);
      if (renewed === null) return {};
      const cookie = sessionCookie(renewed.secret, renewed.expiresAt, cookieIsSecure(app.config));
      context.responseHeader.append('set-cookie', cookie);
      return { csrfToken: csrfToken(renewed.secret) };
    },
    async createPersonalAccessToken(request, context) {
      const caller = callerOf(context);
      requireOwn(caller, request.userId, 'make access tokens for');
      const { name, scopes } = request;
      const expiresInSeconds = Number(request.expiresInSeconds);
      const { token, secret } = await createPersonalToken(app, caller, { name, scopes, expiresInSeconds });
      return { token: toPersonalToken(token), rawToken: secret };
    },
    async listPersonalAccessTokens(request, context) {
      const caller = callerOf(context);
      requireOwn(caller, request.userId, 'list access tokens of');
      return { tokens: (await personalTokensOf(app, caller)).map(toPersonalToken) };
    },
    async deletePersonalAccessToken(request, context) {
      await deletePersonalToken(app, callerOf(context), request.tokenId);
      return {};
    },
    async tokenInfo(_request, context) {
      const { userId, credentialId } = callerOf(context);
      const expiresAt = await credentialExpiry(app, credentialId);
      return { userId, expiresAt: expiresAt === null ? 0n : unixSeconds(expiresAt) };
    },
  };
}

const KEYS = { userId: 'user_id', username: 'username', email: 'email' } as const;

function identifierOf(identifier: LoginRequest['identifier'] | GetUserRequest['identifier']): UserIdentifier {
  if (identifier.case === undefined) {
    throw invalid({ field: 'identifier', message: 'name the user by one of the fields of this group' });
  }
  return { key: KEYS[identifier.case], value: identifier.value };
}
