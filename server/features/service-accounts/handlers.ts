import type { ServiceImpl } from '@connectrpc/connect';
import type { AppContext } from '#server/context.ts';
import type { ServiceAccountService } from '#server/gen/forest/v1/service_accounts_pb.ts';
import { callerOf, organisationOf } from '#server/wire/scopes.ts';
import { accountTokenToWire, accountToWire, scopeFromWire } from './convert.ts';
import * as accounts from './service.ts';

/** ServiceAccountService: the accounts of pipelines, and their tokens. */
export const serviceAccountHandlers = (app: AppContext): ServiceImpl<typeof ServiceAccountService> => ({
  async listServiceAccounts(_request, context) {
    const found = await accounts.listServiceAccounts(app, organisationOf(context));
    return { serviceAccounts: found.map(accountToWire) };
  },

  async createServiceAccount({ name }, context) {
    const scope = organisationOf(context);
    const account = await accounts.createServiceAccount(app, callerOf(context), scope, name);
    return { serviceAccount: accountToWire(account) };
  },

  async deleteServiceAccount({ serviceAccountId }, context) {
    await accounts.deleteServiceAccount(app, callerOf(context), organisationOf(context), serviceAccountId);
    return {};
  },

  async createServiceAccountToken({ serviceAccountId: accountId, name, scopes, expiresInSeconds }, context) {
    const scope = organisationOf(context);
    const input = {
      accountId,
      name,
      scopes: scopes.map(scopeFromWire),
      expiresInSeconds: Number(expiresInSeconds),
    };
    const { token, secret } = await accounts.createServiceToken(app, callerOf(context), scope, input);
    return { token: accountTokenToWire(token), rawToken: secret };
  },

  async revokeServiceAccountToken({ serviceAccountId: accountId, tokenId }, context) {
    const scope = organisationOf(context);
    await accounts.revokeServiceToken(app, callerOf(context), scope, { accountId, tokenId });
    return {};
  },
});
