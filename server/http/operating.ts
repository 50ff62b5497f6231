import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import type { AppContext } from '#server/context.ts';
import { bearerOf, equalSecrets } from '#server/features/credentials/secret.ts';
import { sendText } from './send-text.ts';

/** Headers that proxies add to forwarded requests. */
const FORWARDED = ['x-forwarded-for', 'x-forwarded-host', 'x-real-ip', 'forwarded', 'via'];
const LOCAL_NAMES = /^(localhost|127(\.\d{1,3}){3}|\[::1\])(:\d+)?$/i;
const LOOPBACK = /^(::ffff:)?127\.|^::1$/;

/**
 * Pages for operators: `/healthz` (the process runs), `/readyz` (503 with the reasons when the server cannot work) and
 * `/metrics`. Other requests go to `serve`.
 */
export function operatingListener(app: AppContext, serve: RequestListener): RequestListener {
  const pages = new Map<string, RequestListener>([
    ['/healthz', (_request, response) => answer(response, 200, { alive: true })],
    ['/readyz', (_request, response) => void sendReadiness(app, response)],
    ['/metrics', (request, response) => void sendMetrics(app, request, response)],
  ]);
  return (request, response) => {
    const page = pages.get(request.url?.split('?', 1)[0] ?? '');
    if (page === undefined) return serve(request, response);
    if (request.method === 'GET' || request.method === 'HEAD') return page(request, response);
    response.setHeader('allow', 'GET, HEAD');
    sendText(response, 405, 'method not allowed; use GET');
  };
}

function answer(response: ServerResponse, status: number, body: object): void {
  response.writeHead(status, { 'content-type': 'application/json', 'cache-control': 'no-store' });
  response.end(`${JSON.stringify(body)}\n`);
}

/** The bus is reported but does not affect readiness: without NATS, signals are only slower. */
async function sendReadiness(app: AppContext, response: ServerResponse): Promise<void> {
  const signals = app.bus.state();
  const reasons: string[] = [];
  if (app.stopping.aborted) reasons.push('the server is shutting down');
  const database = await app.ready();
  if (database.reason !== null) reasons.push(database.reason);
  await app.clockCheck.measure();
  const clock = app.clockCheck.problem();
  if (clock !== null) reasons.push(clock);
  const ready = reasons.length === 0 && database.ok;
  answer(response, ready ? 200 : 503, { ready, reasons, signals });
}

/**
 * Metrics show how busy a team is, so they are protected: by `METRICS_TOKEN` as a bearer token or, when it is not set, by
 * accepting direct requests from this machine only.
 */
async function sendMetrics(
  app: AppContext,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const { metricsToken } = app.config;
  if (metricsToken !== null) {
    if (!equalSecrets(bearerOf(request.headers.authorization) ?? '', metricsToken)) {
      response.setHeader('www-authenticate', 'Bearer');
      return sendText(response, 401, 'metrics require METRICS_TOKEN as a bearer token');
    }
  } else if (!isLocal(request)) {
    const message =
      'metrics are available on this machine only; to read them elsewhere, set METRICS_TOKEN and send it as a bearer token';
    return sendText(response, 403, message);
  }
  const text = await app.metrics.text();
  response.writeHead(200, { 'content-type': app.metrics.contentType, 'cache-control': 'no-store' });
  response.end(text);
}

/** The Host header is checked too: a web page can make a name of its own resolve to loopback (DNS rebinding). */
const isLocal = (request: IncomingMessage): boolean =>
  LOOPBACK.test(request.socket.remoteAddress ?? '') &&
  LOCAL_NAMES.test(request.headers.host ?? '') &&
  FORWARDED.every((name) => request.headers[name] === undefined);
