import type { MessageInitShape } from '@bufbuild/protobuf';
import type { HandlerContext, ServiceImpl } from '@connectrpc/connect';
import type { AppContext } from '#server/context.ts';
import { csrfToken } from '#server/features/credentials/secret.ts';
import {
  clearedSessionCookie,
  cookieIsSecure,
  sessionCookie,
  sessionSecretOf,
} from '#server/features/credentials/session-cookie.ts';
import { toUser } from '#server/features/users/convert.ts';
import type { SessionSchema, SessionService } from '#server/gen/forest/v1/sessions_pb.ts';
import { maybeCallerOf } from '#server/rpc/access.ts';
import { type BegunSession, getSession, type Session, setUp, signIn, signOut } from './service.ts';

/** SessionService: the browser's session, an HttpOnly cookie with a CSRF token beside it, and the first set-up. */
export function sessionHandlers(app: AppContext): ServiceImpl<typeof SessionService> {
  const secure = (context: HandlerContext) => cookieIsSecure(app.config.publicUrl, context.url);
  const begin = (session: BegunSession, context: HandlerContext) => {
    if (session.expiresAt !== null) {
      const cookie = sessionCookie(session.secret, session.expiresAt, secure(context));
      context.responseHeader.append('set-cookie', cookie);
    }
    return { session: toSession(session, session.secret) };
  };
  return {
    async signIn(request, context) {
      return begin(await signIn(app, maybeCallerOf(context), request), context);
    },
    async signOut(_request, context) {
      await signOut(app, maybeCallerOf(context));
      context.responseHeader.append('set-cookie', clearedSessionCookie(secure(context)));
      return {};
    },
    async getSession(_request, context) {
      const caller = maybeCallerOf(context);
      const { session, setUpRequired, registrationOpen } = await getSession(app, caller);
      const secret = caller?.credentialKind === 'session' ? sessionSecretOf(context.requestHeader) : null;
      return {
        session: session === null ? undefined : toSession(session, secret),
        setUpRequired,
        registrationOpen,
      };
    },
    async setUp(request, context) {
      return begin(await setUp(app, request), context);
    },
  };
}

/** A caller who came with a bearer token (`secret` null) needs no CSRF token and gets none. */
const toSession = (session: Session, secret: string | null): MessageInitShape<typeof SessionSchema> => ({
  user: toUser(session.user),
  memberships: session.memberships.map(({ organisationId, name, role }) => ({
    organisationId,
    organisation: name,
    role,
  })),
  csrfToken: secret === null ? '' : csrfToken(secret),
  expiresAt: session.expiresAt?.toISOString() ?? '',
});
