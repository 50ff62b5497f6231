import { createHash, timingSafeEqual } from 'node:crypto';
import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import type { AppContext } from '#server/context.ts';

/** Headers by which proxies tell that they only pass a request on. */
const FORWARDED = ['x-forwarded-for', 'x-forwarded-host', 'x-real-ip', 'forwarded', 'via'];
const OWN_NAMES = /^(localhost|127(\.\d{1,3}){3}|\[::1\])(:\d+)?$/i;
const LOOPBACK = /^(::ffff:)?127\.|^::1$/;

/**
 * What whoever runs the server asks for, beside the API: `/healthz` (the process lives), `/readyz` (it can work: 503 and
 * why, when it cannot) and `/metrics`. Everything else goes on to `serve`.
 */
export function operatingListener(app: AppContext, serve: RequestListener): RequestListener {
  const pages = new Map<string, RequestListener>([
    ['/healthz', (_request, response) => answer(response, 200, { alive: true })],
    ['/readyz', (_request, response) => void tellReadiness(app, response)],
    ['/metrics', (request, response) => void tellMetrics(app, request, response)],
  ]);
  return (request, response) => {
    const page = pages.get(request.url?.split('?', 1)[0] ?? '');
    if (page === undefined) return serve(request, response);
    if (request.method === 'GET' || request.method === 'HEAD') return page(request, response);
    response.setHeader('allow', 'GET, HEAD');
    refuse(response, 405, 'this takes GET');
  };
}

function answer(response: ServerResponse, status: number, body: object): void {
  response.writeHead(status, { 'content-type': 'application/json', 'cache-control': 'no-store' });
  response.end(`${JSON.stringify(body)}\n`);
}

function refuse(response: ServerResponse, status: number, words: string): void {
  response.writeHead(status, { 'content-type': 'text/plain; charset=utf-8', 'cache-control': 'no-store' });
  response.end(`${words}\n`);
}

/** NATS is told of and decides nothing: without it signals are slower, and that is all. */
async function tellReadiness(app: AppContext, response: ServerResponse): Promise<void> {
  const signals = app.bus.state();
  const reasons: string[] = [];
  if (app.stopping.aborted) reasons.push('the server is stopping');
  const database = await app.ready();
  if (database.reason !== null) reasons.push(database.reason);
  const ready = reasons.length === 0 && database.ok;
  answer(response, ready ? 200 : 503, { ready, reasons, signals });
}

/**
 * Figures tell outsiders how busy a team is. With `METRICS_TOKEN` whoever shows it reads them; without it only this machine,
 * and no request that a proxy on this machine passes on.
 */
async function tellMetrics(
  app: AppContext,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const { metricsToken } = app.config;
  if (metricsToken !== null) {
    const shown = /^Bearer +(\S+)$/i.exec(request.headers.authorization ?? '')?.[1] ?? '';
    if (!same(shown, metricsToken)) {
      response.setHeader('www-authenticate', 'Bearer');
      return refuse(response, 401, 'the metrics are for whoever shows METRICS_TOKEN as a bearer token');
    }
  } else if (!isFromHere(request)) {
    const words =
      'without METRICS_TOKEN the metrics are for this machine only: set one, and show it as a bearer token';
    return refuse(response, 403, words);
  }
  const text = await app.metrics.text();
  response.writeHead(200, { 'content-type': app.metrics.contentType, 'cache-control': 'no-store' });
  response.end(text);
}

/** Compares in a time that does not depend on where the two differ. */
function same(one: string, other: string): boolean {
  const digest = (text: string) => createHash('sha256').update(text).digest();
  return timingSafeEqual(digest(one), digest(other));
}

/** By a name of this machine as well, or a page of elsewhere could have its own name lead here. */
const isFromHere = (request: IncomingMessage): boolean =>
  LOOPBACK.test(request.socket.remoteAddress ?? '') &&
  OWN_NAMES.test(request.headers.host ?? '') &&
  FORWARDED.every((name) => request.headers[name] === undefined);
