import type { MessageInitShape } from '@bufbuild/protobuf';
import { timestampFromDate } from '@bufbuild/protobuf/wkt';
import type { ServiceImpl } from '@connectrpc/connect';
import type { AppContext } from '#server/context.ts';
import type { IdentitySchema, IdentityService } from '#server/gen/forest/v1/identities_pb.ts';
import { callerOf } from '#server/rpc/access.ts';
import { browserCookie } from './browser-cookie.ts';
import { beginConnecting, disconnect, type Identity, waysIn } from './identity-service.ts';

/** IdentityService: who the caller is at the providers of OpenID Connect. */
export function identityHandlers(app: AppContext): ServiceImpl<typeof IdentityService> {
  return {
    async listIdentities(_request, context) {
      const { identities, hasPassword } = await waysIn(app, callerOf(context));
      return { identities: identities.map(toIdentity), hasPassword };
    },
    async connectIdentity(request, context) {
      const begun = await beginConnecting(app, callerOf(context), request.provider);
      context.responseHeader.append('set-cookie', browserCookie(app, begun));
      return { authorizationUrl: begun.url.href };
    },
    async disconnectIdentity(request, context) {
      await disconnect(app, callerOf(context), request.identityId);
      return {};
    },
  };
}

const toIdentity = (identity: Identity): MessageInitShape<typeof IdentitySchema> => ({
  identityId: identity.identityId,
  provider: identity.provider,
  email: identity.email,
  createdAt: timestampFromDate(identity.createdAt),
  lastUsedAt: timestampFromDate(identity.lastUsedAt),
});
