import type { IncomingHttpHeaders, IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import type { AppContext } from '#server/context.ts';
import { DatabaseFailure } from '#server/db/database-failure.ts';
import { cookieIsSecure, sessionCookie, sessionSecretOf } from '#server/features/credentials/cookies.ts';
import { requestScope } from '#server/request-scope.ts';
import {
  beginSignIn,
  clearedCookie,
  type Purpose,
  providerOf,
  redirectUri,
  takeSignIn,
} from './pending-service.ts';
import { loggable, type ProblemCode, SignInProblem } from './problem.ts';
import { completeSignIn } from './service.ts';

const PREFIX = /^\/auth(\/|$)/;
const ROUTE = /^\/auth\/oidc\/([a-z][a-z0-9-]{0,31})\/(start|callback)$/;
const ORGANISATION = /^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$/;
const MAX_TOKEN = 500;
const MAX_PATH = 2000;

/** Redirects carry secrets: they must be neither cached nor sent on as a referrer. */
const HEADERS = { 'cache-control': 'no-store', 'referrer-policy': 'no-referrer' };

interface Exchange {
  readonly app: AppContext;
  readonly provider: string;
  /** The query, without its `?`. */
  readonly search: string;
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
}

/**
 * Two addresses for browsers: `GET /auth/oidc/{provider}/start?return_to=/path` redirects to the provider, which redirects back
 * to `…/callback`. Errors are shown by the sign-in screen. All other requests go to `next`.
 */
export function signInListener(app: AppContext, next: RequestListener): RequestListener {
  return (request, response) => {
    const [path = '', ...rest] = (request.url ?? '').split('?');
    if (!PREFIX.test(path)) return next(request, response);
    const [, provider, step] = ROUTE.exec(path) ?? [];
    if (provider === undefined) return respond(response, 404, 'Not found');
    if (request.method !== 'GET') {
      response.setHeader('allow', 'GET');
      return respond(response, 405, 'Method not allowed; use GET');
    }
    const exchange = { app, provider, search: rest.join('?'), request, response };
    void (step === 'start' ? start(exchange) : finish(exchange));
  };
}

function respond(response: ServerResponse, status: number, message: string): void {
  response.writeHead(status, { 'content-type': 'text/plain; charset=utf-8', ...HEADERS });
  response.end(`${message}\n`);
}

function redirect(response: ServerResponse, location: string, cookies: readonly string[] = []): void {
  response.writeHead(302, { location, ...HEADERS, 'set-cookie': [...cookies] });
  response.end();
}

async function start(exchange: Exchange): Promise<void> {
  const { app, provider, request, response } = exchange;
  const query = new URLSearchParams(exchange.search);
  const returnTo = returnPath(query.get('return_to'));
  try {
    if (!isNavigation(request.headers)) return respond(response, 403, 'Open this address in a browser tab');
    const { url, cookie } = await beginSignIn(app, providerOf(app, provider), purposeOf(query), returnTo);
    redirect(response, url.href, [cookie]);
  } catch (error) {
    showProblem(exchange, error, '/sign-in', returnTo);
  }
}

/** Images, scripts and frames of other sites must not use up the sign-ins that one address may have pending. */
function isNavigation(headers: IncomingHttpHeaders): boolean {
  const { 'sec-fetch-mode': mode = 'navigate', 'sec-fetch-dest': dest = 'document' } = headers;
  return mode === 'navigate' && dest === 'document';
}

function purposeOf(query: URLSearchParams): Purpose {
  const token = query.get('set_up_token');
  if (token === null) return { kind: 'sign_in' };
  const organisation = query.get('organisation') ?? '';
  if (token.length > MAX_TOKEN || !ORGANISATION.test(organisation)) throw new SignInProblem('set_up_token');
  return { kind: 'set_up', token, organisation };
}

async function finish(exchange: Exchange): Promise<void> {
  const { app, search, request, response } = exchange;
  const state = new URLSearchParams(search).get('state') ?? '';
  const cleared = clearedCookie(app, state);
  const headers = { get: (name: string) => request.headers[name]?.toString() ?? null };
  const secure = cookieIsSecure(app.config);
  let screen = '/sign-in';
  let returnTo = '/';
  try {
    const provider = providerOf(app, exchange.provider);
    const taken = await takeSignIn(app, provider, state, headers);
    returnTo = taken.pending.returnTo;
    if (taken.pending.userId !== null) screen = '/account';
    const callback = new URL(`${redirectUri(app, provider)}?${search}`);
    const session = await completeSignIn(app, provider, taken, callback, sessionSecretOf(headers, secure));
    if (session === null) return redirect(response, '/account', [cleared]);
    redirect(response, returnTo, [cleared, sessionCookie(session.secret, session.expiresAt, secure)]);
  } catch (error) {
    showProblem(exchange, error, screen, returnTo, [cleared]);
  }
}

/** Redirects to the screen that explains the problem, by its code; the log has the cause, without secrets and addresses. */
function showProblem(
  { app, provider, response }: Exchange,
  error: unknown,
  screen: string,
  returnTo: string,
  cookies: readonly string[] = [],
): void {
  const problem = problemCode(error);
  const requestId = requestScope()?.requestId ?? '';
  const fields = { requestId, provider, problem };
  const cause = error instanceof Error ? error.cause : undefined;
  if (problem === 'failed') app.log.error({ ...fields, err: error }, 'Sign-in by a provider failed');
  else app.log.info({ ...fields, ...loggable(cause) }, 'Sign-in by a provider was refused');
  const query = new URLSearchParams({ problem, provider, request: requestId });
  if (screen === '/sign-in' && returnTo !== '/') query.set('next', returnTo);
  redirect(response, `${screen}?${query}`, cookies);
}

function problemCode(error: unknown): ProblemCode {
  if (error instanceof SignInProblem) return error.code;
  return error instanceof DatabaseFailure ? 'busy' : 'failed';
}

/** Paths that are not screens, or would start the sign-in again. */
const NOT_A_SCREEN = /^\/(auth|sign-in|set-up)(\/|$)/;
const ORIGIN = 'https://forage.invalid';

/**
 * Where a browser goes after signing in: `wanted` if it is a path of this site, else `/`. Refuses everything that a browser
 * could take for another host: `//evil.example`, `/\evil.example`, schemes, control characters.
 */
export function returnPath(wanted: string | null): string {
  if (wanted === null || wanted.length > MAX_PATH || !wanted.startsWith('/') || /[\\\p{Cc}]/u.test(wanted))
    return '/';
  if (!URL.canParse(wanted, ORIGIN)) return '/';
  const url = new URL(wanted, ORIGIN);
  const path = url.pathname + url.search + url.hash;
  return url.origin !== ORIGIN || path.startsWith('//') || NOT_A_SCREEN.test(url.pathname) ? '/' : path;
}
