import { isMessage } from '@bufbuild/protobuf';
import { MethodOptions_IdempotencyLevel } from '@bufbuild/protobuf/wkt';
import { Code, ConnectError, type Interceptor, type Transport } from '@connectrpc/connect';
import { createConnectTransport } from '@connectrpc/connect-web';
import { SessionService } from '#src/gen/forest/v1/sessions_pb.ts';
import { ChangePasswordResponseSchema } from '#src/gen/forest/v1/users_pb.ts';
import { noteServerTime } from './clock.ts';
import { renewalInterceptor } from './renewal.ts';

export interface SessionEvents {
  /** The session has ended. */
  readonly onUnauthenticated: () => void;
}

const { signIn, signOut, getSession, setUp } = SessionService.method;
/** The methods that work without a session. */
const aboutSession: ReadonlySet<unknown> = new Set([signIn, signOut, getSession, setUp]);

/**
 * Keeps the CSRF token of the last answer that has a session, sends it as `x-csrf-token` with every write, and reports an
 * ended session. A wrong password at sign-in is not an ended session.
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

/** The CSRF token of an answer; empty if it has no session. */
function csrfTokenIn(message: object): string {
  const session = 'session' in message ? message.session : undefined;
  if (typeof session !== 'object' || session === null || !('csrfToken' in session)) return '';
  return typeof session.csrfToken === 'string' ? session.csrfToken : '';
}

/** Reads the server's clock from its answers, so that countdowns end by the server's time. */
const clockInterceptor: Interceptor = (next) => async (request) => {
  const sentAt = Date.now();
  const response = await next(request);
  noteServerTime(response.header.get('date'), sentAt, Date.now());
  return response;
};

/**
 * The dashboard's transport: Connect to the server of this page. Reads use GET, so that an unchanged answer is a 304. Call
 * it once per page, because React Query's keys contain the transport.
 */
export function createTransport(events: SessionEvents): Transport {
  return createConnectTransport({
    baseUrl: window.location.origin,
    useHttpGet: true,
    interceptors: [sessionInterceptor(events), renewalInterceptor(), clockInterceptor],
  });
}
