import type { IncomingHttpHeaders, IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import type { AppContext } from '#server/context.ts';
import { DatabaseFailure } from '#server/db/database-failure.ts';
import {
  cookieIsSecure,
  sessionCookie,
  sessionSecretOf,
} from '#server/features/credentials/session-cookie.ts';
import { requestScope } from '#server/request-scope.ts';
import { browserCookie, browserSecretOf, clearedBrowserCookie } from './browser-cookie.ts';
import { begin, type Purpose, providerOf, redirectUri, take } from './pending-service.ts';
import { loggable, type ProblemCode, SignInProblem } from './problem.ts';
import { returnPath } from './return-path.ts';
import { complete } from './service.ts';

const OURS = /^\/auth(\/|$)/;
const ROUTE = /^\/auth\/oidc\/([a-z][a-z0-9-]{0,31})\/(start|callback)$/;
const ORGANISATION = /^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$/;
const MOST_TOKEN = 500;

/** Of an answer that leads on: not to be kept, and not to be told to where it leads. */
const HEADERS = { 'cache-control': 'no-store', 'referrer-policy': 'no-referrer' };

/**
 * Two addresses for browsers, beside the API: `GET /auth/oidc/{provider}/start?return_to=/path` leads to the provider, and
 * `…/callback` is where it sends people back. Both answer by leading on; what went wrong is told by the sign-in screen.
 * Everything else goes on to `serve`.
 */
export function signInListener(app: AppContext, serve: RequestListener): RequestListener {
  return (request, response) => {
    const [path = '', ...rest] = (request.url ?? '').split('?');
    if (!OURS.test(path)) return serve(request, response);
    const [, provider, step] = ROUTE.exec(path) ?? [];
    if (provider === undefined) return refuse(response, 404, 'not found');
    if (request.method !== 'GET') {
      response.setHeader('allow', 'GET');
      return refuse(response, 405, 'this takes GET');
    }
    const work = step === 'start' ? start : finish;
    void work(app, provider, rest.join('?'), request, response);
  };
}

function refuse(response: ServerResponse, status: number, words: string): void {
  response.writeHead(status, { 'content-type': 'text/plain; charset=utf-8', ...HEADERS });
  response.end(`${words}\n`);
}

function lead(response: ServerResponse, to: string, cookies: readonly string[] = []): void {
  response.writeHead(302, { location: to, ...HEADERS, 'set-cookie': [...cookies] });
  response.end();
}

async function start(
  app: AppContext,
  providerId: string,
  search: string,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const query = new URLSearchParams(search);
  const returnTo = returnPath(query.get('return_to'));
  try {
    if (!isGoneTo(request.headers)) return refuse(response, 403, 'this address is gone to');
    const provider = providerOf(app, providerId);
    const begun = await begin(app, provider, purposeOf(query), returnTo);
    lead(response, begun.url.href, [browserCookie(app, begun)]);
  } catch (error) {
    tell(app, response, providerId, error, '/sign-in', returnTo);
  }
}

/**
 * Pictures, scripts and frames of other sites begin nothing, or a page could use up what one address may have under way: only
 * whoever goes there.
 */
function isGoneTo(headers: IncomingHttpHeaders): boolean {
  const { 'sec-fetch-mode': mode = 'navigate', 'sec-fetch-dest': dest = 'document' } = headers;
  return mode === 'navigate' && dest === 'document';
}

function purposeOf(query: URLSearchParams): Purpose {
  const token = query.get('set_up_token');
  if (token === null) return { kind: 'sign_in' };
  const organisation = query.get('organisation') ?? '';
  if (token.length > MOST_TOKEN || !ORGANISATION.test(organisation)) throw new SignInProblem('set_up_token');
  return { kind: 'set_up', token, organisation };
}

async function finish(
  app: AppContext,
  providerId: string,
  search: string,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const state = new URLSearchParams(search).get('state') ?? '';
  const cleared = [clearedBrowserCookie(app, state)];
  const headers = { get: (name: string) => request.headers[name]?.toString() ?? null };
  let screen = '/sign-in';
  let returnTo = '/';
  try {
    const provider = providerOf(app, providerId);
    const taken = await take(app, provider, state, browserSecretOf(app, request.headers.cookie, state));
    returnTo = taken.pending.returnTo;
    if (taken.pending.userId !== null) screen = '/account';
    const callback = new URL(`${redirectUri(app, provider)}?${search}`);
    const session = await complete(
      app,
      provider,
      taken,
      callback,
      sessionSecretOf(headers, cookieIsSecure(app.config)),
    );
    if (session === null) return lead(response, '/account', cleared);
    const secure = cookieIsSecure(app.config);
    lead(response, returnTo, [...cleared, sessionCookie(session.secret, session.expiresAt, secure)]);
  } catch (error) {
    tell(app, response, providerId, error, screen, returnTo, cleared);
  }
}

/** Leads to the screen that tells what went wrong, by a code; the log has the cause, without codes, tokens and addresses. */
function tell(
  app: AppContext,
  response: ServerResponse,
  provider: string,
  error: unknown,
  screen: string,
  returnTo: string,
  cookies: readonly string[] = [],
): void {
  const code = codeOf(error);
  const requestId = requestScope()?.requestId ?? '';
  const about = { requestId, provider, problem: code };
  if (code === 'failed') app.log.error({ ...about, err: error }, 'a sign-in by a provider failed');
  else app.log.info({ ...about, ...loggable(causeOf(error)) }, 'a sign-in by a provider came to nothing');
  const query = new URLSearchParams({ problem: code, provider, request: requestId });
  if (screen === '/sign-in' && returnTo !== '/') query.set('next', returnTo);
  lead(response, `${screen}?${query}`, cookies);
}

const causeOf = (error: unknown): unknown => (error instanceof Error ? error.cause : undefined);

function codeOf(error: unknown): ProblemCode {
  if (error instanceof SignInProblem) return error.code;
  return error instanceof DatabaseFailure ? 'busy' : 'failed';
}
