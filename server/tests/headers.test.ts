import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { DatabaseFailure } from '#server/db/database-failure.ts';
import { gatedRelease } from './gate-world.ts';
import { startTestApp, type TestApp } from './harness.ts';
import { http1, http2, type RawResponse } from './sockets.ts';
import { type World, world } from './world.ts';

let app: TestApp;
let w: World;
let folder: string;
let intentId: string;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'forage-headers-'));
  mkdirSync(join(folder, 'assets'));
  writeFileSync(join(folder, 'index.html'), '<!doctype html><title>Forage</title>');
  writeFileSync(join(folder, 'assets', 'main-abc.js'), 'export {};');
  app = await startTestApp({ config: { staticDir: folder, metricsToken: 'the-token-of-metrics' } });
  w = await world(app);
  await w.approvalPolicy(1);
  intentId = await gatedRelease(w);
});
afterAll(async () => {
  await app?.stop();
  rmSync(folder, { recursive: true, force: true });
});

type Answer = Pick<RawResponse, 'status' | 'headers'>;
type Kind = readonly [about: string, status: number, ask: () => Promise<Answer>];

/** As a page of another site would send it; of a stream only the beginning is read. */
const ask = (path: string, { headers, ...rest }: Parameters<typeof http1>[1] = {}, url = app.url) =>
  http1(`${url}${path}`, {
    headers: { origin: 'https://evil.example', ...headers },
    enough: () => true,
    ...rest,
  });
const post = (path: string, headers: Record<string, string>, body: string | Buffer = '{}') =>
  ask(path, { method: 'POST', headers: { 'content-type': 'application/json', ...headers }, body });
const grpc = (path: string, headers: Record<string, string>) => {
  const type = { 'content-type': 'application/grpc', te: 'trailers' };
  const body = envelope('');
  return http2(`${app.url}${path}`, { method: 'POST', headers: { ...type, ...headers }, body });
};
/** Asks again with the ETag of the first answer. */
const again = async (path: string, headers: Record<string, string> = {}) => {
  const { etag = '' } = (await ask(path, { headers })).headers;
  return ask(path, { headers: { ...headers, 'if-none-match': etag } });
};

const bearer = () => ({ authorization: `Bearer ${w.author.token}` });
const typed = (type: string) => ({ ...bearer(), 'content-type': type });
const SERVICE = '/forest.v1.OrganisationService';
const LIST = `${SERVICE}/ListMyOrganisations`;
const GET = `${LIST}?encoding=json&message=%7B%7D&connect=v1`;
const envelope = (text: string) => {
  const head = Buffer.alloc(5);
  head.writeUInt32BE(text.length, 1);
  return Buffer.concat([head, Buffer.from(text)]);
};
const requirements = () => {
  const message = JSON.stringify({ project: w.project, releaseIntentId: intentId });
  const query = new URLSearchParams({ encoding: 'json', connect: 'v1', message });
  return `/forest.v1.PolicyService/GetReleaseRequirements?${query}`;
};
const wait = () => {
  const message = envelope(JSON.stringify({ releaseIntentId: intentId }));
  return post('/forest.v1.ReleaseService/WaitRelease', typed('application/connect+json'), message);
};
const preflight = { 'access-control-request-method': 'POST' };
const metricsToken = { authorization: 'Bearer the-token-of-metrics' };

/** One request for each kind of answer, with its status. */
const ANSWERS: readonly Kind[] = [
  ['an answer', 200, () => post(LIST, bearer())],
  ['an answer by GET', 200, () => ask(GET, { headers: bearer() })],
  ['a poll that finds nothing new', 304, () => again(requirements(), bearer())],
  ['a stream', 200, wait],
  ['a call without credentials', 401, () => post(LIST, {})],
  ['a malformed message', 400, () => post(LIST, bearer(), 'words')],
  ['a missing organisation', 404, () => post(`${SERVICE}/GetOrganisation`, bearer(), '{"name": "none"}')],
  ['an unknown method', 404, () => post(`${SERVICE}/Nothing`, bearer())],
  ['another HTTP method', 405, () => ask(LIST, { method: 'DELETE', headers: bearer() })],
  ['a preflight of another site', 405, () => ask(LIST, { method: 'OPTIONS', headers: preflight })],
  ['another content type', 415, () => post(LIST, typed('text/plain'))],
  ['a message that is too large', 429, () => post(LIST, bearer(), `{"pageToken":"${'x'.repeat(5e6)}"}`)],
  ['gRPC-web', 200, () => post(LIST, typed('application/grpc-web+proto'), envelope(''))],
  ['gRPC', 200, () => grpc(LIST, bearer())],
  ['gRPC without credentials', 200, () => grpc(LIST, {})],
  ['an unknown method by gRPC', 200, () => grpc('/forest.v1.Nothing/Nothing', {})],
  ['the liveness', 200, () => ask('/healthz')],
  ['the readiness', 200, () => ask('/readyz')],
  ['the metrics', 200, () => ask('/metrics', { headers: metricsToken })],
  ['metrics without a token', 401, () => ask('/metrics')],
  ['the metrics by POST', 405, () => ask('/metrics', { method: 'POST' })],
  ['an unknown sign-in address', 404, () => ask('/auth/nothing')],
  ['a sign-in by an unknown provider', 302, () => ask('/auth/oidc/nobody/start')],
];

/** Existing and missing files of the dashboard. */
const PAGES: readonly Kind[] = [
  ['the page', 200, () => ask('/')],
  ['the page at another address', 200, () => ask('/orgs/acme')],
  ['the page that the browser has', 304, () => again('/')],
  ['a file', 200, () => ask('/assets/main-abc.js')],
  ['a missing file', 404, () => ask('/assets/nothing.js')],
  ['a POST to the page', 404, () => ask('/', { method: 'POST' })],
  ['a HEAD of the page', 200, () => ask('/', { method: 'HEAD' })],
];

/** Asserts what every answer has: no embedding, no sniffing, no access for other origins. */
function requireGuarded({ headers }: Answer): void {
  expect(headers).toMatchObject({
    'x-content-type-options': 'nosniff',
    'x-frame-options': 'DENY',
    'cross-origin-resource-policy': 'same-origin',
    'x-request-id': expect.stringMatching(/./),
  });
  const leaking = /^(x-powered-by|server|access-control-.*)$/;
  expect(Object.keys(headers).filter((name) => leaking.test(name))).toEqual([]);
}

test.each(ANSWERS)('%s cannot run anything in a browser', async (_, status, ask) => {
  const answer = await ask();
  expect(answer.status).toBe(status);
  requireGuarded(answer);
  expect(answer.headers).toMatchObject({
    'content-security-policy': "default-src 'none';base-uri 'none';form-action 'none';frame-ancestors 'none'",
    'referrer-policy': 'no-referrer',
  });
  expect(answer.headers['strict-transport-security']).toBeUndefined();
});

test.each(PAGES)('%s of the dashboard runs only its own files', async (_, status, ask) => {
  const answer = await ask();
  expect(answer.status).toBe(status);
  requireGuarded(answer);
  expect(String(answer.headers['content-security-policy']).split(';').sort()).toEqual([
    "base-uri 'none'",
    "connect-src 'self'",
    "default-src 'none'",
    "font-src 'self'",
    "form-action 'self'",
    "frame-ancestors 'none'",
    "img-src 'self' data:",
    "require-trusted-types-for 'script'",
    "script-src 'self'",
    "style-src 'self'",
    "trusted-types 'none'",
  ]);
  expect(answer.headers).toMatchObject({
    'cross-origin-opener-policy': 'same-origin',
    'referrer-policy': 'same-origin',
    'permissions-policy': expect.stringContaining('camera=()'),
  });
});

test('sends HSTS behind a proxy that terminates TLS', async () => {
  const behind = await startTestApp({
    config: { publicUrl: 'https://forage.example.com', databaseUrl: app.databaseUrl },
  });
  try {
    for (const path of ['/', '/healthz', GET, '/metrics']) {
      const { headers } = await ask(path, {}, behind.url);
      expect([path, headers['strict-transport-security']]).toEqual([path, 'max-age=31536000']);
    }
  } finally {
    await behind.stop();
  }
});

test('sets the headers on internal errors, with the database unavailable, and on unreadable requests', async () => {
  const broken = await startTestApp({ config: { databaseUrl: app.databaseUrl } });
  const { db } = broken.context;
  const { run } = db;
  const headers = { 'content-type': 'application/json', authorization: 'Bearer x' };
  const call = { method: 'POST', headers, body: '{}' };
  try {
    for (const [failure, path, request, status] of [
      [new Error('planted'), LIST, call, 500],
      [new DatabaseFailure('unavailable'), LIST, call, 503],
      [new DatabaseFailure('unavailable'), '/readyz', {}, 503],
      [null, LIST, { ...call, headers: { ...headers, host: 'no host' } }, 400],
    ] as const) {
      Object.assign(db, { run: failure === null ? run : () => Promise.reject(failure) });
      const answer = await ask(path, request, broken.url);
      expect([path, answer.status]).toEqual([path, status]);
      requireGuarded(answer);
    }
  } finally {
    Object.assign(db, { run });
    await broken.stop();
  }
});
