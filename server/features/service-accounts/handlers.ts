import type { MessageInitShape } from '@bufbuild/protobuf';
import { timestampFromDate } from '@bufbuild/protobuf/wkt';
import type { ServiceImpl } from '@connectrpc/connect';
import type { AppContext } from '#server/context.ts';
import { invalid } from '#server/failure.ts';
import type {
  ServiceAccountSchema,
  ServiceAccountService,
  ServiceAccountTokenSchema,
} from '#server/gen/forest/v1/service_accounts_pb.ts';
import { callerOf, organisationOf } from '#server/rpc/access.ts';
import * as service from './service.ts';

const time = (date: Date | null) => (date === null ? undefined : timestampFromDate(date));

const toToken = (token: service.ServiceToken): MessageInitShape<typeof ServiceAccountTokenSchema> => ({
  tokenId: token.tokenId,
  name: token.name,
  scopes: [...token.scopes],
  createdAt: time(token.createdAt),
  expiresAt: time(token.expiresAt),
  lastUsed: time(token.lastUsedAt),
});

const toAccount = (account: service.ServiceAccount): MessageInitShape<typeof ServiceAccountSchema> => ({
  serviceAccountId: account.userId,
  name: account.name,
  username: account.username,
  createdAt: time(account.createdAt),
  tokens: account.tokens.map(toToken),
});

function scopeOf(text: string): 'read' | 'release' {
  if (text === 'read' || text === 'release') return text;
  throw invalid({ field: 'scopes', message: `a service account has no scope "${text}"` });
}

/** ServiceAccountService: the accounts of pipelines, and their tokens. */
export const serviceAccountHandlers = (app: AppContext): ServiceImpl<typeof ServiceAccountService> => ({
  async listServiceAccounts(_request, context) {
    const accounts = await service.serviceAccounts(app, organisationOf(context));
    return { serviceAccounts: accounts.map(toAccount) };
  },
  async createServiceAccount({ name }, context) {
    const scope = organisationOf(context);
    const account = await service.createServiceAccount(app, callerOf(context), scope, name);
    return { serviceAccount: toAccount(account) };
  },
  async deleteServiceAccount({ serviceAccountId }, context) {
    await service.deleteServiceAccount(app, callerOf(context), organisationOf(context), serviceAccountId);
    return {};
  },
  async createServiceAccountToken(request, context) {
    const { serviceAccountId: accountId, name, scopes, expiresInSeconds } = request;
    const { token, secret } = await service.createServiceToken(
      app,
      callerOf(context),
      organisationOf(context),
      { accountId, name, scopes: scopes.map(scopeOf), expiresInSeconds: Number(expiresInSeconds) },
    );
    return { token: toToken(token), rawToken: secret };
  },
  async revokeServiceAccountToken({ serviceAccountId: accountId, tokenId }, context) {
    const scope = organisationOf(context);
    await service.revokeServiceToken(app, callerOf(context), scope, { accountId, tokenId });
    return {};
  },
});
