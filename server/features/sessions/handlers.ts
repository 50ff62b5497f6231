import type { HandlerContext, ServiceImpl } from '@connectrpc/connect';
import type { AppContext } from '#server/context.ts';
import {
  clearedSessionCookie,
  cookieIsSecure,
  sessionCookie,
  sessionSecretOf,
} from '#server/features/credentials/cookies.ts';
import { endSession, listLogins, signOutEverywhere } from '#server/features/credentials/logins.ts';
import type { SessionService } from '#server/gen/forest/v1/sessions_pb.ts';
import { pageOf } from '#server/wire/pages.ts';
import { callerOf, maybeCallerOf } from '#server/wire/scopes.ts';
import { loginToWire, sessionToWire } from './convert.ts';
import * as sessions from './service.ts';

/** SessionService: the browser's session, an HttpOnly cookie with a CSRF token beside it, and the first set-up. */
export function sessionHandlers(app: AppContext): ServiceImpl<typeof SessionService> {
  const secure = cookieIsSecure(app.config);
  const setCookie = (context: HandlerContext, cookie: string) =>
    context.responseHeader.append('set-cookie', cookie);
  const started = ({ session, secret, expiresAt }: sessions.SignedIn, context: HandlerContext) => {
    setCookie(context, sessionCookie(secret, expiresAt, secure));
    return { session: sessionToWire(session, secret) };
  };
  return {
    async signIn(request, context) {
      return started(await sessions.signIn(app, maybeCallerOf(context), request), context);
    },

    async signOut(_request, context) {
      await sessions.signOut(app, maybeCallerOf(context));
      setCookie(context, clearedSessionCookie(secure));
      return {};
    },

    async getSession({ setUpToken }, context) {
      const caller = maybeCallerOf(context);
      const { session, ...server } = await sessions.getSession(app, caller, setUpToken);
      const inBrowser = caller?.credentialKind === 'session';
      const secret = inBrowser ? sessionSecretOf(context.requestHeader, secure) : null;
      return { session: session === null ? undefined : sessionToWire(session, secret), ...server };
    },

    async setUp(request, context) {
      return started(await sessions.setUp(app, request), context);
    },

    async listSessions(request, context) {
      const page = pageOf(request, ['time', 'uuid']);
      const { rows, nextPageToken } = await listLogins(app, callerOf(context), page);
      return { sessions: rows.map(loginToWire), nextPageToken };
    },

    async endSession({ sessionId }, context) {
      const caller = callerOf(context);
      const current = await endSession(app, caller, sessionId);
      if (current && caller.credentialKind === 'session') setCookie(context, clearedSessionCookie(secure));
      return {};
    },

    async signOutEverywhere({ keepThis }, context) {
      const caller = callerOf(context);
      await signOutEverywhere(app, caller, keepThis);
      if (!keepThis && caller.credentialKind === 'session') setCookie(context, clearedSessionCookie(secure));
      return {};
    },
  };
}
