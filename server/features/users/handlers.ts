import type { ServiceImpl } from '@connectrpc/connect';
import type { AppContext } from '#server/context.ts';
import { tokenToWire } from '#server/features/credentials/convert.ts';
import { cookieIsSecure, sessionCookie } from '#server/features/credentials/cookies.ts';
import { csrfToken } from '#server/features/credentials/secret.ts';
import { endLogin, findCredential } from '#server/features/credentials/service.ts';
import * as tokens from '#server/features/credentials/tokens.ts';
import type { UsersService } from '#server/gen/forest/v1/users_pb.ts';
import { pageOf } from '#server/wire/pages.ts';
import { callerOf, maybeCallerOf } from '#server/wire/scopes.ts';
import * as addresses from './address-service.ts';
import { authTokensToWire, identifierFromWire, unixSeconds, userToWire } from './convert.ts';
import * as users from './service.ts';

/** UsersService: users, their passwords and their tokens. */
export const usersHandlers = (app: AppContext): ServiceImpl<typeof UsersService> => ({
  async register(request, context) {
    const { user, tokens: issued } = await users.register(app, maybeCallerOf(context), request);
    const authTokens = issued === null ? undefined : authTokensToWire(issued);
    return { user: userToWire(user), tokens: authTokens, emailVerificationRequired: false };
  },

  async login({ identifier, password }) {
    const { user, tokens: issued } = await users.login(app, identifierFromWire(identifier), password);
    const authTokens = authTokensToWire(issued);
    return { user: userToWire(user), tokens: authTokens, mfaRequired: false, mfaSessionToken: '' };
  },

  async refreshToken(request) {
    return { tokens: authTokensToWire(await users.refreshLogin(app, request.refreshToken)) };
  },

  async logout(request) {
    await endLogin(app, request.refreshToken);
    return {};
  },

  async getUser(request, context) {
    const user = await users.getUser(app, callerOf(context), identifierFromWire(request.identifier));
    return { user: userToWire(user) };
  },

  async listUsers(request, context) {
    const page = pageOf(request, ['text']);
    const { rows, ...rest } = await users.listUsers(app, callerOf(context), request.search ?? '', page);
    return { users: rows.map(userToWire), ...rest };
  },

  async changePassword(request, context) {
    const renewed = await users.changePassword(app, callerOf(context), request);
    if (renewed === null) return {};
    const cookie = sessionCookie(renewed.secret, renewed.expiresAt, cookieIsSecure(app.config));
    context.responseHeader.append('set-cookie', cookie);
    return { csrfToken: csrfToken(renewed.secret) };
  },

  async createPersonalAccessToken({ userId, name, scopes, expiresInSeconds }, context) {
    const caller = callerOf(context);
    users.requireOwn(caller, userId, 'create access tokens for');
    const input = { name, scopes, expiresInSeconds: Number(expiresInSeconds) };
    const { token, secret } = await tokens.createPersonalToken(app, caller, input);
    return { token: tokenToWire(token), rawToken: secret };
  },

  async listPersonalAccessTokens({ userId }, context) {
    const caller = callerOf(context);
    users.requireOwn(caller, userId, 'list access tokens of');
    return { tokens: (await tokens.listPersonalTokens(app, caller)).map(tokenToWire) };
  },

  async deletePersonalAccessToken({ tokenId }, context) {
    await tokens.deletePersonalToken(app, callerOf(context), tokenId);
    return {};
  },

  async listCommitAddresses(_request, context) {
    return { addresses: await addresses.listAddresses(app, callerOf(context)) };
  },

  async addCommitAddress({ address }, context) {
    return { address: await addresses.addAddress(app, callerOf(context), address) };
  },

  async removeCommitAddress({ address }, context) {
    await addresses.removeAddress(app, callerOf(context), address);
    return {};
  },

  async tokenInfo(_request, context) {
    const { userId, credentialId } = callerOf(context);
    const expiresAt = (await findCredential(app, credentialId))?.expiresAt ?? null;
    return { userId, expiresAt: expiresAt === null ? 0n : unixSeconds(expiresAt) };
  },
});
