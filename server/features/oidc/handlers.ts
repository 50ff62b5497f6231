import type { MessageInitShape } from '@bufbuild/protobuf';
import { timestampFromDate } from '@bufbuild/protobuf/wkt';
import type { ServiceImpl } from '@connectrpc/connect';
import type { AppContext } from '#server/context.ts';
import type { IdentitySchema, IdentityService } from '#server/gen/forest/v1/identities_pb.ts';
import { callerOf } from '#server/wire/scopes.ts';
import { beginConnecting, disconnectIdentity, type Identity, listCredentials } from './identity-service.ts';

/** IdentityService: the caller's identities at OpenID Connect providers. */
export const identityHandlers = (app: AppContext): ServiceImpl<typeof IdentityService> => ({
  async listIdentities(_request, context) {
    const { identities, hasPassword } = await listCredentials(app, callerOf(context));
    return { identities: identities.map(identityToWire), hasPassword };
  },

  async connectIdentity({ provider }, context) {
    const { url, cookie } = await beginConnecting(app, callerOf(context), provider);
    context.responseHeader.append('set-cookie', cookie);
    return { authorizationUrl: url.href };
  },

  async disconnectIdentity({ identityId }, context) {
    await disconnectIdentity(app, callerOf(context), identityId);
    return {};
  },
});

const identityToWire = (identity: Identity): MessageInitShape<typeof IdentitySchema> => ({
  identityId: identity.identityId,
  provider: identity.provider,
  email: identity.email,
  createdAt: timestampFromDate(identity.createdAt),
  lastUsedAt: timestampFromDate(identity.lastUsedAt),
});
