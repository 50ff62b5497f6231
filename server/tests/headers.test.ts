import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { request as http } from 'node:http';
import { connect as connectHttp2 } from 'node:http2';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { DatabaseFailure } from '#server/db/database-failure.ts';
import { startTestApp, type TestApp } from './harness.ts';
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
  intentId = await w.release((await w.artifact()).artifactId, ['production']);
});
afterAll(async () => {
  await app?.stop();
  rmSync(folder, { recursive: true, force: true });
});

interface Answer {
  readonly status: number;
  readonly headers: Headers;
}
interface Asked {
  readonly method?: string;
  readonly headers?: Record<string, string>;
  readonly body?: string | Buffer;
}

/** Over HTTP/1.1, as soon as the head of the answer is there. */
function ask(path: string, { method = 'GET', headers = {}, body }: Asked = {}, url = app.url) {
  return new Promise<Answer>((resolve, reject) => {
    // What every page of another site would send along.
    const origin = { origin: 'https://evil.example', ...headers };
    const request = http(`${url}${path}`, { method, headers: origin }, (response) => {
      const entries = Object.entries(response.headers).map(([n, v]) => [n, String(v)] as [string, string]);
      resolve({ status: response.statusCode ?? 0, headers: new Headers(entries) });
      response.destroy();
    });
    request.on('error', reject);
    request.end(body);
  });
}

/** Over HTTP/2, a call of gRPC. */
function askGrpc(path: string, headers: Record<string, string>) {
  return new Promise<Answer>((resolve, reject) => {
    const session = connectHttp2(app.url);
    session.on('error', reject);
    const asked = { ':method': 'POST', ':path': path, 'content-type': 'application/grpc', te: 'trailers' };
    const stream = session.request({ ...asked, ...headers });
    stream.on('response', ({ ':status': status, ...answered }) => {
      const entries = Object.entries(answered).map(([n, v]) => [n, String(v)] as [string, string]);
      resolve({ status: status ?? 0, headers: new Headers(entries) });
      session.destroy();
    });
    stream.on('error', reject);
    stream.end(Buffer.alloc(5));
  });
}

const json = { 'content-type': 'application/json' };
const bearer = () => ({ authorization: `Bearer ${w.author.token}` });
const LIST = '/forest.v1.OrganisationService/ListMyOrganisations';
const GET = `${LIST}?encoding=json&message=%7B%7D&connect=v1`;
const envelope = (text: string) => {
  const head = Buffer.alloc(5);
  head.writeUInt32BE(text.length, 1);
  return Buffer.concat([head, Buffer.from(text)]);
};

/** One of each kind of answer, with the status that shows that it is of that kind. */
const answers = (): Record<string, [status: number, () => Promise<Answer>]> => {
  const post = (path: string, headers: object, body: string | Buffer = '{}') =>
    ask(path, { method: 'POST', headers: { ...json, ...headers }, body });
  const again = async (path: string, headers: object) => {
    const { headers: first } = await ask(path, { headers: { ...headers } });
    return ask(path, { headers: { ...headers, 'if-none-match': first.get('etag') ?? '' } });
  };
  const requirements = () => {
    const message = { project: w.project, releaseIntentId: intentId, targetEnvironment: 'production' };
    const query = new URLSearchParams({ encoding: 'json', connect: 'v1', message: JSON.stringify(message) });
    return `/forest.v1.PolicyService/GetReleaseRequirements?${query}`;
  };
  return {
    'an answer': [200, () => post(LIST, bearer())],
    'an answer by GET': [200, () => ask(GET, { headers: bearer() })],
    'an answer that the caller has': [304, () => again(GET, bearer())],
    'a poll that finds nothing new': [304, () => again(requirements(), bearer())],
    'a stream': [
      200,
      () =>
        post(
          '/forest.v1.ReleaseService/WaitRelease',
          { ...bearer(), 'content-type': 'application/connect+json' },
          envelope(JSON.stringify({ releaseIntentId: intentId })),
        ),
    ],
    'nobody’s call': [401, () => post(LIST, {})],
    'a malformed message': [400, () => post(LIST, bearer(), 'words')],
    'what does not exist': [
      404,
      () => post('/forest.v1.OrganisationService/GetOrganisation', bearer(), '{"name": "none"}'),
    ],
    'a method that does not exist': [404, () => post('/forest.v1.OrganisationService/Nothing', bearer())],
    'another HTTP method': [405, () => ask(LIST, { method: 'DELETE', headers: bearer() })],
    'a preflight of another site': [
      405,
      () => ask(LIST, { method: 'OPTIONS', headers: { 'access-control-request-method': 'POST' } }),
    ],
    'another content type': [415, () => post(LIST, { ...bearer(), 'content-type': 'text/plain' })],
    'a message that is too large': [
      429,
      () => post(LIST, bearer(), JSON.stringify({ pageToken: 'x'.repeat(5_000_000) })),
    ],
    'gRPC-web': [
      200,
      () => post(LIST, { ...bearer(), 'content-type': 'application/grpc-web+proto' }, envelope('')),
    ],
    gRPC: [200, () => askGrpc(LIST, bearer())],
    'nobody’s gRPC': [200, () => askGrpc(LIST, {})],
    'a method that gRPC does not find': [200, () => askGrpc('/forest.v1.Nothing/Nothing', {})],
    'the liveness': [200, () => ask('/healthz')],
    'the readiness': [200, () => ask('/readyz')],
    'the metrics': [
      200,
      () => ask('/metrics', { headers: { authorization: 'Bearer the-token-of-metrics' } }),
    ],
    'the metrics to nobody': [401, () => ask('/metrics')],
    'the metrics by POST': [405, () => ask('/metrics', { method: 'POST' })],
    'a sign-in that is not there': [404, () => ask('/auth/nothing')],
    'a sign-in by an unknown provider': [302, () => ask('/auth/oidc/nobody/start')],
  };
};

/** What the dashboard's folder holds or not. */
const pages = (): Record<string, [status: number, () => Promise<Answer>]> => ({
  'the page': [200, () => ask('/')],
  'the page at another address': [200, () => ask('/orgs/acme')],
  'the page that the browser has': [
    304,
    async () => ask('/', { headers: { 'if-none-match': (await ask('/')).headers.get('etag') ?? '' } }),
  ],
  'a file': [200, () => ask('/assets/main-abc.js')],
  'a file that is not there': [404, () => ask('/assets/nothing.js')],
  'a POST to the page': [404, () => ask('/', { method: 'POST' })],
  'a HEAD of the page': [200, () => ask('/', { method: 'HEAD' })],
});

/** What holds for every answer: nothing embeds it, guesses at it, or lets another origin read it. */
function requireGuarded({ headers }: Answer): void {
  expect(headers.get('x-content-type-options')).toBe('nosniff');
  expect(headers.get('x-frame-options')).toBe('DENY');
  expect(headers.get('cross-origin-resource-policy')).toBe('same-origin');
  expect(headers.get('x-request-id')).toBeTruthy();
  expect(headers.get('x-powered-by')).toBeNull();
  expect(headers.get('server')).toBeNull();
  expect([...headers.keys()].filter((name) => name.startsWith('access-control'))).toEqual([]);
  const policy = headers.get('content-security-policy') ?? '';
  expect(policy).toContain("default-src 'none'");
  expect(policy).toContain("frame-ancestors 'none'");
  expect(policy).toContain("base-uri 'none'");
  expect(policy).not.toContain('unsafe');
  expect(policy).not.toMatch(/\*|https?:/);
}

describe('what is no page', () => {
  test.each(Object.keys(answers()))('%s may do nothing in a browser', async (kind) => {
    const [status, asked] = answers()[kind] ?? [0, () => Promise.reject(new Error('no such kind'))];
    const answer = await asked();
    expect(answer.status).toBe(status);
    requireGuarded(answer);
    expect(answer.headers.get('content-security-policy')).toBe(
      "default-src 'none';base-uri 'none';form-action 'none';frame-ancestors 'none'",
    );
    expect(answer.headers.get('referrer-policy')).toBe('no-referrer');
    expect(answer.headers.get('strict-transport-security')).toBeNull();
  });
});

describe('the dashboard', () => {
  test.each(Object.keys(pages()))('%s runs its own files alone', async (kind) => {
    const [status, asked] = pages()[kind] ?? [0, () => Promise.reject(new Error('no such kind'))];
    const answer = await asked();
    expect(answer.status).toBe(status);
    requireGuarded(answer);
    const policy = new Map(
      (answer.headers.get('content-security-policy') ?? '').split(';').map((directive) => {
        const [name = '', ...values] = directive.split(' ');
        return [name, values.join(' ')];
      }),
    );
    expect(Object.fromEntries(policy)).toEqual({
      'default-src': "'none'",
      'script-src': "'self'",
      'style-src': "'self'",
      'font-src': "'self'",
      'img-src': "'self' data:",
      'connect-src': "'self'",
      'base-uri': "'none'",
      'form-action': "'self'",
      'frame-ancestors': "'none'",
      'require-trusted-types-for': "'script'",
      'trusted-types': "'none'",
    });
    expect(answer.headers.get('cross-origin-opener-policy')).toBe('same-origin');
    expect(answer.headers.get('referrer-policy')).toBe('same-origin');
    expect(answer.headers.get('permissions-policy')).toContain('camera=()');
  });
});

test('behind a proxy that speaks TLS, too, browsers are told to come by https from then on', async () => {
  const behind = await startTestApp({ config: { publicUrl: 'https://forage.example.com' } });
  try {
    for (const path of ['/', '/healthz', GET, '/metrics']) {
      const { headers } = await ask(path, {}, behind.url);
      expect([path, headers.get('strict-transport-security')]).toEqual([path, 'max-age=31536000']);
    }
  } finally {
    await behind.stop();
  }
});

test('a failure of ours, a database that is away, and what cannot be read are answered as guarded', async () => {
  const broken = await startTestApp();
  const { db } = broken.context;
  const { run } = db;
  const post = { method: 'POST', headers: { ...json, authorization: 'Bearer x' }, body: '{}' };
  try {
    for (const [failure, path, asked, status] of [
      [new Error('planted'), LIST, post, 500],
      [new DatabaseFailure('away'), LIST, post, 503],
      [new DatabaseFailure('away'), '/readyz', {}, 503],
      [null, LIST, { ...post, headers: { ...post.headers, host: 'no host' } }, 400],
    ] as const) {
      Object.assign(db, { run: failure === null ? run : () => Promise.reject(failure) });
      const answer = await ask(path, asked, broken.url);
      expect([path, answer.status]).toEqual([path, status]);
      requireGuarded(answer);
    }
  } finally {
    Object.assign(db, { run });
    await broken.stop();
  }
});
