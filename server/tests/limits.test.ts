import { connect as connectHttp2, constants } from 'node:http2';
import { brotliCompressSync, gzipSync } from 'node:zlib';
import { createClient } from '@connectrpc/connect';
import { compressionBrotli, compressionGzip } from '@connectrpc/connect-node';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ArtifactService } from '#server/gen/forest/v1/artifacts_pb.ts';
import { RetryInfoSchema } from '#server/gen/forest/v1/errors_pb.ts';
import { OrganisationService } from '#server/gen/forest/v1/organisations_pb.ts';
import { ReleaseService } from '#server/gen/forest/v1/releases_pb.ts';
import { post } from './every-method.ts';
import { eventually, startTestApp, type TestApp } from './harness.ts';
import { PROTOCOLS } from './protocols.ts';
import { requireRefusal } from './raw-refusals.ts';
import { refusal } from './refusal.ts';
import { dial, http1, http2 } from './sockets.ts';
import { type Person, world } from './world.ts';

const BODY_SECONDS = 1;
const STREAMS = 3;

const app = await startTestApp({ config: { streamsPerUser: STREAMS } });
afterAll(() => app.stop());
const w = await world(app);

const LIST = '/forest.v1.OrganisationService/ListMyOrganisations';
const CREATE = '/forest.v1.OrganisationService/CreateOrganisation';
const JSON_TYPE = { 'content-type': 'application/json' };
const as = ({ token }: Person) => ({ authorization: `Bearer ${token}` });
const bearer = () => as(w.author);

describe('a message of 8 MiB, compressed to a few kilobytes,', () => {
  const huge = 'a'.repeat(8 * 1024 * 1024);

  test.each(
    (['gRPC', 'gRPC-web over HTTP/1.1', 'Connect over HTTP/1.1'] as const).flatMap((protocol) =>
      [compressionGzip, compressionBrotli].map((compression) => ({ protocol, compression })),
    ),
  )('is not decompressed over $protocol with $compression.name', async ({ protocol, compression }) => {
    const options = { headers: bearer(), sendCompression: compression, compressMinBytes: 1 };
    const transport = PROTOCOLS[protocol](app.url, options);
    const unary = createClient(OrganisationService, transport).createOrganisation({ name: huge });
    const { code, message } = await refusal(unary);
    expect([code, message]).toEqual(['ResourceExhausted', expect.stringContaining('4194304')]);
    const files = async function* () {
      yield { uploadId: app.context.newId(), fileName: 'a.txt', fileContent: huge };
    };
    const stream = createClient(ArtifactService, transport).uploadArtifact(files());
    expect((await refusal(stream)).code).toBe('ResourceExhausted');
  });

  test('costs little memory in large numbers, and is not read without credentials', async () => {
    const text = JSON.stringify({ name: huge });
    const before = process.memoryUsage.rss();
    for (const [encoding, bytes] of [
      ['gzip', gzipSync(text)],
      ['br', brotliCompressSync(text)],
    ] as const) {
      const headers = { 'content-encoding': encoding };
      const bomb = new Uint8Array(bytes);
      const all = Array.from({ length: 40 }, () => post(app, CREATE, bomb, { ...headers, ...bearer() }));
      for (const answer of await Promise.all(all)) expect(answer.code).toBe('resource_exhausted');
      expect((await post(app, CREATE, bomb, headers)).code).toBe('unauthenticated');
    }
    // Decompressed they would take 640 MiB as bytes, and again as text.
    expect(process.memoryUsage.rss() - before).toBeLessThan(400 * 1024 * 1024);
    const query = new URLSearchParams({
      connect: 'v1',
      encoding: 'proto',
      compression: 'br',
      base64: '1',
      message: brotliCompressSync(Buffer.alloc(32 * 1024 * 1024)).toString('base64url'),
    });
    const got = await fetch(`${app.url}${LIST}?${query}`, { headers: bearer() });
    expect([got.status, await got.json()]).toMatchObject([429, { code: 'resource_exhausted' }]);
  });
});

test.each([
  ['SessionService/SignIn', { identifier: 'a'.repeat(70_000), password: 'x' }, 'resource_exhausted'],
  ['SessionService/SignIn', { identifier: 'a'.repeat(60_000), password: 'x' }, 'invalid_argument'],
  ['UsersService/Register', { username: 'a'.repeat(70_000), email: '' }, 'resource_exhausted'],
  ['ReleaseService/ReportRelease', { releaseId: 'a'.repeat(70_000) }, 'invalid_argument'],
  ['OrganisationService/CreateOrganisation', { name: 'a'.repeat(70_000) }, 'invalid_argument'],
])('limits messages of services with anonymous methods to 64 KiB: %s', async (method, body, code) => {
  expect((await post(app, `/forest.v1.${method}`, JSON.stringify(body), bearer())).code).toBe(code);
});

describe('deeply nested messages are refused', () => {
  const arrays = '['.repeat(500_000) + ']'.repeat(500_000);
  const objects = `${'{"a":'.repeat(300_000)}1${'}'.repeat(300_000)}`;
  const groups = Buffer.concat([Buffer.alloc(1_000_000, 0x7b), Buffer.alloc(1_000_000, 0x7c)]);
  test.each([
    ['arrays', arrays],
    ['an unknown field of arrays', `{"x": ${arrays}}`],
    ['objects', objects],
    ['a known field of arrays', `{"name": ${arrays}}`],
    ['a known field of objects', `{"name": ${objects}}`],
    ['binary groups that never end', Buffer.alloc(3_000_000, 0x0b)],
    ['binary groups that end', groups],
    ['a binary length beyond the end', Buffer.of(0x0a, 0xff, 0xff, 0xff, 0xff, 0x07, 0x61)],
  ])('%s', async (_, body) => {
    const type = typeof body === 'string' ? 'application/json' : 'application/proto';
    const answer = await post(app, CREATE, body, { ...bearer(), 'content-type': type });
    requireRefusal(answer);
    expect(answer.text.length).toBeLessThan(10_000);
  });
});

describe('a body that arrives too slowly', () => {
  // A server of its own, because the other tests may need more time to send a body.
  let impatient: TestApp;
  beforeAll(async () => {
    impatient = await startTestApp({ config: { bodySeconds: BODY_SECONDS, databaseUrl: app.databaseUrl } });
  });
  afterAll(() => impatient?.stop());

  test.each([
    ['', CREATE, 'application/json', '{"name": "'],
    [
      ' after its refusal too',
      '/forest.v1.ReleaseService/WaitRelease',
      'application/connect+json',
      '\0'.repeat(300_000),
    ],
  ])('over HTTP/1.1 ends its connection%s', async (_, path, type, start) => {
    const head = `POST ${path} HTTP/1.1\r\nhost: x\r\ncontent-type: ${type}\r\ncontent-length: 1000000`;
    const { authorization } = bearer();
    const { socket, closed } = dial(
      impatient.url,
      `${head}\r\nauthorization: ${authorization}\r\n\r\n${start}`,
    );
    const drip = setInterval(() => socket.write('a'), 50);
    await closed;
    clearInterval(drip);
    expect((await post(impatient, LIST, '{}', bearer())).code).toBe('ok');
  });

  test.each(['application/grpc', 'application/json'])(
    'by %s over HTTP/2 ends its stream and no other',
    async (type) => {
      const session = connectHttp2(impatient.url);
      session.on('error', () => {});
      try {
        const headers = { ':method': 'POST', ':path': CREATE, 'content-type': type, ...bearer() };
        const slow = session.request(headers);
        slow.on('error', () => {});
        slow.resume();
        slow.write(Buffer.from([0, 0, 0, 1, 0]));
        await new Promise<void>((resolve) => slow.once('close', resolve));
        expect(slow.rstCode).toBe(constants.NGHTTP2_CANCEL);
        const next = { method: 'POST', headers: { ...JSON_TYPE, ...bearer() }, body: '{}' };
        expect((await http2(`${impatient.url}${LIST}`, next, session)).status).toBe(200);
      } finally {
        session.destroy();
      }
    },
  );
});

test.each(['/', '/healthz', '/metrics', '/auth/nothing', '/forest.v1.Nothing/Nothing'])(
  'answers %s before the body arrives, and then the next request on the connection',
  async (path) => {
    const head = `POST ${path} HTTP/1.1\r\nhost: x\r\ncontent-length: 1000000\r\n\r\n`;
    const { socket, received } = dial(app.url, head);
    await eventually(async () => /^HTTP\/1\.1 4\d\d /.test(received()), 'an answer');
    const first = received().length;
    socket.write(`${'a'.repeat(1_000_000)}GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n`);
    await eventually(async () => received().startsWith('HTTP/1.1 200 ', first), 'the next answer');
    socket.destroy();
  },
);

test.each([
  ['a stream', 'ReleaseService/WaitRelease', 'application/connect+json', 300_000],
  ['a stream', 'ReleaseService/WaitRelease', 'application/grpc-web+json', 300_000],
  ['an oversized message', 'OrganisationService/CreateOrganisation', 'application/json', 9_000_000],
])(
  'answers the next request on the connection after it refused %s in mid-body: %s by %s',
  async (_, method, type, length) => {
    const { authorization } = bearer();
    const head = `POST /forest.v1.${method} HTTP/1.1\r\nhost: x\r\nauthorization: ${authorization}\r\ncontent-type: ${type}`;
    const { socket, received } = dial(app.url, `${head}\r\ncontent-length: ${length}\r\n\r\n`);
    socket.write(Buffer.alloc(length));
    socket.write('GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n');
    await eventually(async () => received().includes('"alive":true'), 'the next answer');
    socket.destroy();
  },
);

test('refuses headers of more than 16 KiB over HTTP/1.1', async () => {
  expect((await http1(`${app.url}/`, { headers: { 'x-long': 'a'.repeat(20_000) } })).status).toBe(431);
});

test.each([
  ['very many', Object.fromEntries(Array.from({ length: 1_000 }, (_, n) => [`x-${n}`, `value ${n}`]))],
  ['very long', { 'x-long': '~'.repeat(200_000) }],
])('refuses %s headers over HTTP/2', async (_, headers) => {
  await expect(http2(`${app.url}/`, { headers })).rejects.toThrow(/error code|reset with/);
  expect((await post(app, LIST, '{}', bearer())).code).toBe('ok');
});

test('limits the messages of a request stream', async () => {
  const { uploadId } = await app.client(ArtifactService, w.author).beginUploadArtifact({});
  const files = async function* () {
    for (let n = 0; n <= 2_000; n++)
      yield { uploadId, fileName: `${n}.txt`, fileContent: 'a', category: 'spec' };
  };
  const uploads = createClient(ArtifactService, PROTOCOLS.gRPC(app.url, { headers: bearer() }));
  const { code, message } = await refusal(uploads.uploadArtifact(files()));
  expect(code).toBe('ResourceExhausted');
  expect(message).toBe('A stream can have 2000 messages. Use several streams.');
  const { rows } = await app.context.db.pool.query('select count(*) as n from artifact_files');
  expect(rows[0].n).toBe(0);
});

test('limits the open streams of a user, and frees the slot when the caller leaves', async () => {
  await w.approvalPolicy(1);
  const releaseIntentId = await w.release((await w.artifact()).artifactId, ['production']);
  /** Resolves after the first event, with a function that leaves. */
  const open = async (by = w.author) => {
    const leave = new AbortController();
    const client = createClient(ReleaseService, PROTOCOLS.gRPC(app.url, { headers: as(by) }));
    const events = client.waitRelease({ releaseIntentId }, { signal: leave.signal });
    await events[Symbol.asyncIterator]().next();
    return () => leave.abort();
  };
  const [leave, ...others] = [await open(), await open(), await open()];
  const { code, message, error } = await refusal(open());
  expect([code, message]).toEqual([
    'ResourceExhausted',
    expect.stringContaining(`${STREAMS} streams are open`),
  ]);
  expect(error.metadata.get('retry-after')).toBe('10');
  // Other users have slots of their own, and unary calls need none.
  others.push(await open(w.reviewer));
  expect((await post(app, LIST, '{}', bearer())).code).toBe('ok');
  leave();
  others.push(await eventually(() => open().catch(() => false as const), 'a free slot'));
  for (const leave of others) leave();
  await eventually(async () => {
    const all = await Promise.allSettled(Array.from({ length: STREAMS }, () => open()));
    for (const one of all) if (one.status === 'fulfilled') one.value();
    return all.every(({ status }) => status === 'fulfilled');
  }, 'all slots to be free');
});

describe('the rate limit', () => {
  const PER_MINUTE = 60;
  /** Of a window of 10 seconds; a fifth without credentials. */
  const [MAX, MAX_ANONYMOUS] = [10, 2];
  // Another server on the same database, with a limit.
  let limited: TestApp;
  const startLimited = () =>
    startTestApp({ config: { databaseUrl: app.databaseUrl, rateLimitPerMinute: PER_MINUTE } });
  beforeAll(async () => {
    limited = await startLimited();
  });
  afterAll(() => limited?.stop());
  const list = (headers: Record<string, string>, server = limited) => post(server, LIST, '{}', headers);
  const codes = async (count: number, ask: (n: number) => Promise<{ code: string }>) => {
    const found: string[] = [];
    for (let n = 0; n < count; n++) found.push((await ask(n)).code);
    return found;
  };

  test('counts requests of each credential, and says when to retry', async () => {
    const found = await codes(MAX + 5, () => list(bearer()));
    expect(found).toEqual([...Array(MAX).fill('ok'), ...Array(5).fill('resource_exhausted')]);
    const headers = { ...JSON_TYPE, ...bearer() };
    const response = await fetch(`${limited.url}${LIST}`, { method: 'POST', headers, body: '{}' });
    const wait = Number(response.headers.get('retry-after'));
    expect(response.status).toBe(429);
    expect(wait).toBeGreaterThanOrEqual(1);
    expect(wait).toBeLessThanOrEqual(10);
    const { details } = (await response.json()) as { details: { type: string; debug: object }[] };
    expect(details).toContainEqual(
      expect.objectContaining({ type: 'forest.v1.RetryInfo', debug: { retryAfterSeconds: wait } }),
    );
    // Another user with the same address is not limited.
    expect((await list(as(w.reviewer))).code).toBe('ok');
  });

  test.each(['gRPC', 'gRPC-web over HTTP/1.1', 'Connect over HTTP/1.1'] as const)(
    'refuses over %s, by GET where the protocol has it',
    async (protocol) => {
      await codes(MAX + 1, () => list(bearer()));
      const transport = PROTOCOLS[protocol](limited.url, { headers: bearer(), useHttpGet: true });
      const { code, error } = await refusal(
        createClient(OrganisationService, transport).listMyOrganisations({}),
      );
      expect(code).toBe('ResourceExhausted');
      expect(error.findDetails(RetryInfoSchema)[0]?.retryAfterSeconds).toBeGreaterThan(0);
      expect(error.metadata.get('retry-after')).toMatch(/^[1-9]\d?$/);
    },
  );

  test('is counted by each server, and for the address without valid credentials', async () => {
    const other = await startLimited();
    try {
      expect((await list(bearer(), other)).code).toBe('ok');
      const session = () => post(other, '/forest.v1.SessionService/GetSession', '{}');
      expect(await codes(MAX_ANONYMOUS + 1, session)).toEqual([
        ...Array(MAX_ANONYMOUS).fill('ok'),
        'resource_exhausted',
      ]);
      const forged = await codes(5, (n) => list({ authorization: `Bearer forage_p_forged-${n}` }, other));
      expect(forged).toEqual(Array(5).fill('resource_exhausted'));
      // Verified credentials of the same address are not affected.
      expect((await list(bearer(), other)).code).toBe('ok');
    } finally {
      await other.stop();
    }
  });

  test('is off when the setting is 0', async () => {
    const all = Array.from({ length: 100 }, () => list(bearer(), app));
    expect(new Set((await Promise.all(all)).map(({ code }) => code))).toEqual(new Set(['ok']));
  });
});
