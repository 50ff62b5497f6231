import { isMessage } from '@bufbuild/protobuf';
import { MethodOptions_IdempotencyLevel } from '@bufbuild/protobuf/wkt';
import { Code, ConnectError, type Interceptor, type Transport } from '@connectrpc/connect';
import { createConnectTransport } from '@connectrpc/connect-web';
import { SessionService } from '#src/gen/forest/v1/sessions_pb.ts';
import { ChangePasswordResponseSchema } from '#src/gen/forest/v1/users_pb.ts';
import { noteServerTime } from './clock.ts';
import { renewalInterceptor } from './renewal.ts';

export interface SessionEvents {
  /** The server no longer knows who is asking: lead to sign-in and back. */
  readonly onUnauthenticated: () => void;
}

const { signIn, signOut, getSession, setUp } = SessionService.method;
/** What tells whether there is a session; the others work within one. */
const aboutSession: ReadonlySet<unknown> = new Set([signIn, signOut, getSession, setUp]);

/**
 * The interceptor behind the dashboard's transport. It keeps the session's CSRF token, which arrives with every
 * answer that holds a session, sends it as `x-csrf-token` with whatever writes, and reports a session that ended.
 * A wrong password is an answer to the one who typed it, not an ended session, so what begins one is left out.
 */
export function sessionInterceptor({ onUnauthenticated }: SessionEvents): Interceptor {
  let csrfToken = '';
  return (next) => async (request) => {
    if (request.method.idempotency !== MethodOptions_IdempotencyLevel.NO_SIDE_EFFECTS && csrfToken) {
      request.header.set('x-csrf-token', csrfToken);
    }
    try {
      const response = await next(request);
      if (response.stream) return response;
      const { message } = response;
      if (aboutSession.has(request.method)) csrfToken = csrfTokenIn(message);
      else if (isMessage(message, ChangePasswordResponseSchema)) csrfToken = message.csrfToken || csrfToken;
      return response;
    } catch (error) {
      const ended = ConnectError.from(error).code === Code.Unauthenticated;
      if (ended && !aboutSession.has(request.method)) onUnauthenticated();
      throw error;
    }
  };
}

/** Answers without a session (signed out) end the token's use as well. */
function csrfTokenIn(message: object): string {
  const session = 'session' in message ? message.session : undefined;
  if (typeof session !== 'object' || session === null || !('csrfToken' in session)) return '';
  return typeof session.csrfToken === 'string' ? session.csrfToken : '';
}

/** Reads the server's clock off its answers, so that countdowns end when the server says so. */
const clockInterceptor: Interceptor = (next) => async (request) => {
  const asked = Date.now();
  const response = await next(request);
  noteServerTime(response.header.get('date'), asked, Date.now());
  return response;
};

/**
 * The dashboard's one transport: Connect to the server this page came from. Reads go by GET, so that an
 * unchanged answer costs a 304. React Query's keys contain the transport: make one per page, no more.
 */
export function createTransport(events: SessionEvents): Transport {
  return createConnectTransport({
    baseUrl: window.location.origin,
    useHttpGet: true,
    interceptors: [sessionInterceptor(events), renewalInterceptor(), clockInterceptor],
  });
}
