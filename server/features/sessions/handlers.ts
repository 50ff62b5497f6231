import type { MessageInitShape } from '@bufbuild/protobuf';
import type { HandlerContext, ServiceImpl } from '@connectrpc/connect';
import type { AppContext } from '#server/context.ts';
import { endSession, type Login, loginsOf, signOutEverywhere } from '#server/features/credentials/logins.ts';
import { csrfToken } from '#server/features/credentials/secret.ts';
import {
  clearedSessionCookie,
  cookieIsSecure,
  sessionCookie,
  sessionSecretOf,
} from '#server/features/credentials/session-cookie.ts';
import { toUser } from '#server/features/users/convert.ts';
import {
  type ActiveSessionSchema,
  SessionKind,
  type SessionSchema,
  type SessionService,
} from '#server/gen/forest/v1/sessions_pb.ts';
import { callerOf, maybeCallerOf } from '#server/rpc/access.ts';
import { nextPageToken, pageOf } from '#server/rpc/page.ts';
import { type BegunSession, getSession, type Session, setUp, signIn, signOut } from './service.ts';

/** SessionService: the browser's session, an HttpOnly cookie with a CSRF token beside it, and the first set-up. */
export function sessionHandlers(app: AppContext): ServiceImpl<typeof SessionService> {
  const secure = cookieIsSecure(app.config);
  const signedOut = (context: HandlerContext) =>
    context.responseHeader.append('set-cookie', clearedSessionCookie(secure));
  const begin = (session: BegunSession, context: HandlerContext) => {
    if (session.expiresAt !== null) {
      const cookie = sessionCookie(session.secret, session.expiresAt, secure);
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
      signedOut(context);
      return {};
    },
    async getSession(_request, context) {
      const caller = maybeCallerOf(context);
      const { session, setUpRequired, registrationOpen } = await getSession(app, caller);
      const secret =
        caller?.credentialKind === 'session' ? sessionSecretOf(context.requestHeader, secure) : null;
      return {
        session: session === null ? undefined : toSession(session, secret),
        setUpRequired,
        registrationOpen,
        providers: app.config.oidcProviders.map(({ id, name }) => ({ provider: id, name })),
        passwordsOff: !app.config.passwordSignIn,
        tokenMaxDays: app.config.tokenMaxDays ?? 0,
      };
    },
    async setUp(request, context) {
      return begin(await setUp(app, request), context);
    },
    async listSessions(request, context) {
      const page = pageOf(request, ['time', 'uuid']);
      const found = await loginsOf(app, callerOf(context), page);
      const key = ({ begunAt, sessionId }: Login) => [begunAt.toISOString(), sessionId];
      const { rows, nextPageToken: next } = nextPageToken(found, page.limit, key);
      return { sessions: rows.map(toActiveSession), nextPageToken: next };
    },
    async endSession({ sessionId }, context) {
      const caller = callerOf(context);
      const wasCurrent = await endSession(app, caller, sessionId);
      if (wasCurrent && caller.credentialKind === 'session') signedOut(context);
      return {};
    },
    async signOutEverywhere({ keepThis }, context) {
      const caller = callerOf(context);
      await signOutEverywhere(app, caller, keepThis);
      if (!keepThis && caller.credentialKind === 'session') signedOut(context);
      return {};
    },
  };
}

const KINDS = { browser: SessionKind.BROWSER, client: SessionKind.CLIENT } as const;

const toActiveSession = (login: Login): MessageInitShape<typeof ActiveSessionSchema> => ({
  sessionId: login.sessionId,
  kind: KINDS[login.kind],
  begunAt: login.begunAt.toISOString(),
  lastUsedAt: login.lastUsedAt.toISOString(),
  expiresAt: login.expiresAt.toISOString(),
  address: login.address ?? '',
  userAgent: login.userAgent ?? '',
  current: login.current,
});

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
