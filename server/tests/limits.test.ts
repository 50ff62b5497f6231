import { request as http } from 'node:http';
import { connect as connectHttp2, constants } from 'node:http2';
import { connect } from 'node:net';
import { brotliCompressSync, gzipSync } from 'node:zlib';
import { Code, ConnectError, createClient } from '@connectrpc/connect';
import {
  compressionBrotli,
  compressionGzip,
  createConnectTransport,
  createGrpcTransport,
  createGrpcWebTransport,
} from '@connectrpc/connect-node';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ArtifactService } from '#server/gen/forest/v1/artifacts_pb.ts';
import { RetryInfoSchema } from '#server/gen/forest/v1/errors_pb.ts';
import { OrganisationService } from '#server/gen/forest/v1/organisations_pb.ts';
import { ReleaseService } from '#server/gen/forest/v1/releases_pb.ts';
import { post } from './every-method.ts';
import { eventually, startTestApp, type TestApp } from './harness.ts';
import { requireWords } from './raw-refusals.ts';
import { type World, world } from './world.ts';

const BODY_SECONDS = 1;
const STREAMS = 3;

let app: TestApp;
let w: World;
beforeAll(async () => {
  app = await startTestApp({ config: { streamsPerUser: STREAMS } });
  w = await world(app);
});
afterAll(() => app?.stop());

const LIST = '/forest.v1.OrganisationService/ListMyOrganisations';
const CREATE = '/forest.v1.OrganisationService/CreateOrganisation';
const bearer = () => ({ authorization: `Bearer ${w.author.token}` });
const grpcOf = (code: Code | undefined) => (code === undefined ? undefined : Code[code]);

const PROTOCOLS = {
  Connect: (baseUrl: string, compression: typeof compressionGzip) =>
    createConnectTransport({
      baseUrl,
      httpVersion: '1.1',
      sendCompression: compression,
      compressMinBytes: 1,
    }),
  gRPC: (baseUrl: string, compression: typeof compressionGzip) =>
    createGrpcTransport({ baseUrl, sendCompression: compression, compressMinBytes: 1 }),
  'gRPC-web': (baseUrl: string, compression: typeof compressionGzip) =>
    createGrpcWebTransport({
      baseUrl,
      httpVersion: '1.1',
      sendCompression: compression,
      compressMinBytes: 1,
    }),
};

describe('a message of 16 MiB that was compressed to a few kilobytes', () => {
  const huge = 'a'.repeat(16 * 1024 * 1024);
  const asUser = { headers: {} as Record<string, string> };

  test.each(
    Object.keys(PROTOCOLS).flatMap((protocol) => [[protocol, 'gzip'] as const, [protocol, 'br'] as const]),
  )('over %s with %s is not unpacked', async (protocol, name) => {
    const compression = name === 'gzip' ? compressionGzip : compressionBrotli;
    const transport = PROTOCOLS[protocol as keyof typeof PROTOCOLS](app.url, compression);
    asUser.headers = bearer();
    const one = createClient(OrganisationService, transport).createOrganisation({ name: huge }, asUser);
    const unary = await one.then(
      () => null,
      (error: unknown) => ConnectError.from(error),
    );
    expect(grpcOf(unary?.code)).toBe('ResourceExhausted');
    expect(unary?.rawMessage).toMatch(/4194304/);
    const uploads = createClient(ArtifactService, transport);
    const files = async function* () {
      yield { uploadId: app.context.newId(), fileName: 'a.txt', fileContent: huge };
    };
    const stream = await uploads.uploadArtifact(files(), asUser).then(
      () => null,
      (error: unknown) => ConnectError.from(error),
    );
    expect(grpcOf(stream?.code)).toBe('ResourceExhausted');
  });

  test('costs little memory, however many come at once, and nobody’s are not even read', async () => {
    const json = { 'content-type': 'application/json' };
    const text = JSON.stringify({ name: 'a'.repeat(16 * 1024 * 1024) });
    const bombs = { gzip: gzipSync(text), br: brotliCompressSync(text) };
    const before = process.memoryUsage.rss();
    for (const [encoding, bytes] of Object.entries(bombs)) {
      const headers = { ...json, 'content-encoding': encoding };
      const all = Array.from({ length: 20 }, () =>
        post(app, CREATE, new Uint8Array(bytes), { ...headers, ...bearer() }),
      );
      for (const answer of await Promise.all(all)) expect(answer.code).toBe('resource_exhausted');
      const nobody = await post(app, CREATE, new Uint8Array(bytes), headers);
      expect(nobody.code).toBe('unauthenticated');
    }
    // Unpacked they would be 640 MiB, twice: as bytes and as text.
    expect(process.memoryUsage.rss() - before).toBeLessThan(400 * 1024 * 1024);
    // In the query of a GET likewise.
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

test('who may be anybody sends little, and a user or a destination more', async () => {
  const requests: [string, object][] = [
    ['SessionService/SignIn', { identifier: 'a'.repeat(70_000), password: 'x' }],
    ['SessionService/SignIn', { identifier: 'a'.repeat(60_000), password: 'x' }],
    ['UsersService/Register', { username: 'a'.repeat(70_000), email: '', password: '' }],
    ['ReleaseService/ReportRelease', { releaseId: 'a'.repeat(70_000) }],
    ['OrganisationService/CreateOrganisation', { name: 'a'.repeat(70_000) }],
  ];
  const answers = await Promise.all(
    requests.map(([method, body]) => post(app, `/forest.v1.${method}`, JSON.stringify(body), bearer())),
  );
  const [read, exhausted] = ['invalid_argument', 'resource_exhausted'];
  expect(answers.map(({ code }) => code)).toEqual([exhausted, read, exhausted, read, read]);
});

describe('what is nested deeply', () => {
  const deep = (n: number, open: string, middle: string, close: string) =>
    open.repeat(n) + middle + close.repeat(n);
  test.each([
    ['arrays', deep(500_000, '[', '', ']')],
    ['an unknown field of arrays', `{"x": ${deep(500_000, '[', '', ']')}}`],
    ['objects', deep(300_000, '{"a":', '1', '}')],
    ['a known field of arrays', `{"name": ${deep(500_000, '[', '', ']')}}`],
    ['a known field of objects', `{"name": ${deep(300_000, '{"a":', '1', '}')}}`],
  ])('in JSON: %s', async (_, body) => {
    const answer = await post(app, CREATE, body, bearer());
    requireWords(answer);
    expect(answer.text.length).toBeLessThan(10_000);
  });

  test.each([
    ['groups that never end', Buffer.alloc(3_000_000, 0x0b)],
    ['groups that end', Buffer.concat([Buffer.alloc(1_000_000, 0x7b), Buffer.alloc(1_000_000, 0x7c)])],
    ['a length beyond the end', Buffer.from([0x0a, 0xff, 0xff, 0xff, 0xff, 0x07, 0x61])],
  ])('in binary: %s', async (_, body) => {
    const headers = { ...bearer(), 'content-type': 'application/proto' };
    requireWords(await post(app, CREATE, new Uint8Array(body), headers));
  });
});

describe('a body that comes slowly', () => {
  // Of its own: elsewhere a body may take as long as a busy machine needs to compress it.
  let hasty: TestApp;
  beforeAll(async () => {
    hasty = await startTestApp({ config: { bodySeconds: BODY_SECONDS, databaseUrl: app.databaseUrl } });
  });
  afterAll(() => hasty?.stop());

  const lines = [
    `POST ${CREATE} HTTP/1.1`,
    'host: x',
    'content-type: application/json',
    'content-length: 1000000',
  ];

  test('over HTTP/1.1 is given up, in words, and its connection with it', async () => {
    const socket = connect(Number(new URL(hasty.url).port), '127.0.0.1');
    let text = '';
    const closed = new Promise<void>((resolve) => socket.once('close', () => resolve()));
    socket.on('data', (chunk) => {
      text += chunk;
    });
    socket.on('error', () => {});
    socket.write([...lines, `authorization: ${bearer().authorization}`, '', '{"name": "'].join('\r\n'));
    const drip = setInterval(() => socket.write('a'), 50);
    const began = performance.now();
    await eventually(async () => text.includes('}]}') || text.includes('"}'), 'an answer');
    expect(performance.now() - began).toBeGreaterThan(BODY_SECONDS * 900);
    expect(text).toMatch(/^HTTP\/1\.1 408 /);
    expect(text).toContain('deadline_exceeded');
    expect(text).toContain('did not arrive within 1 seconds');
    await closed;
    clearInterval(drip);
    // The server is as before.
    expect((await post(hasty, LIST, '{}', bearer())).code).toBe('ok');
  });

  test.each([
    ['gRPC', { 'content-type': 'application/grpc' }, 'grpc-status', '4'],
    ['Connect', { 'content-type': 'application/json' }, ':status', 408],
  ])('over HTTP/2 by %s loses its stream, and no other', async (_, type, name, value) => {
    const session = connectHttp2(hasty.url);
    session.on('error', () => {});
    try {
      const slow = session.request({
        ':method': 'POST',
        ':path': CREATE,
        te: 'trailers',
        ...type,
        ...bearer(),
      });
      slow.on('error', () => {});
      const answered = new Promise<Record<string, unknown>>((resolve) => slow.once('response', resolve));
      const closed = new Promise<void>((resolve) => slow.once('close', () => resolve()));
      slow.resume();
      slow.write(Buffer.from([0, 0, 0, 1, 0]));
      expect((await answered)[name]).toEqual(value);
      await closed;
      const next = session.request({
        ':method': 'POST',
        ':path': LIST,
        'content-type': 'application/json',
        ...bearer(),
      });
      const status = new Promise((resolve) => next.once('response', (head) => resolve(head[':status'])));
      next.end('{}');
      expect(await status).toBe(200);
    } finally {
      session.destroy();
    }
  });
});

test.each(['/', '/healthz', '/metrics', '/auth/nothing', '/forest.v1.Nothing/Nothing'])(
  'a body for %s, which takes none, ends the connection with the answer',
  async (path) => {
    const socket = connect(Number(new URL(app.url).port), '127.0.0.1');
    socket.on('error', () => {});
    let text = '';
    socket.on('data', (chunk) => {
      text += chunk;
    });
    socket.write(`POST ${path} HTTP/1.1\r\nhost: x\r\ncontent-length: 1000000\r\n\r\n`);
    // The server ends its side; what is still sent is thrown away for a moment.
    await new Promise<void>((resolve) => socket.once('end', () => resolve()));
    socket.destroy();
    expect(text).toMatch(/^HTTP\/1\.1 4\d\d /);
    expect(text).toMatch(/\r\nconnection: close\r\n/i);
  },
);

describe('headers', () => {
  test('over HTTP/1.1 of more than 16 KiB are refused', async () => {
    const status = await new Promise((resolve, reject) => {
      const request = http(`${app.url}/`, { headers: { 'x-long': 'a'.repeat(20_000) } }, (response) => {
        resolve(response.statusCode);
        response.resume();
      });
      request.on('error', reject);
      request.end();
    });
    expect(status).toBe(431);
  });

  test('over HTTP/2 of more than that are refused, and so are very many', async () => {
    const session = connectHttp2(app.url, { maxSendHeaderBlockLength: 1_000_000 });
    session.on('error', () => {});
    try {
      const codes = await Promise.all(
        [
          { 'x-long': 'a'.repeat(20_000) },
          Object.fromEntries(Array.from({ length: 50 }, (_, n) => [`x-${n}`, 'a'.repeat(400)])),
          Object.fromEntries(Array.from({ length: 1_000 }, (_, n) => [`x-${n}`, `value ${n}`])),
        ].map(
          (headers) =>
            new Promise((resolve) => {
              const stream = session.request({ ':path': '/', ...headers });
              stream.on('error', () => {});
              stream.once('response', ({ ':status': status }) => resolve(status));
              stream.once('close', () => resolve(stream.rstCode));
              stream.end();
            }),
        ),
      );
      expect(codes).toEqual([431, 431, constants.NGHTTP2_ENHANCE_YOUR_CALM]);
    } finally {
      session.destroy();
    }
    expect((await post(app, LIST, '{}', bearer())).code).toBe('ok');
  });
});

test('a stream of requests holds so many messages and no more', async () => {
  const { uploadId } = await app.client(ArtifactService, w.author).beginUploadArtifact({});
  const transport = createGrpcTransport({ baseUrl: app.url });
  const files = async function* () {
    for (let n = 0; n <= 2_000; n++)
      yield { uploadId, fileName: `${n}.txt`, fileContent: 'a', category: 'spec' };
  };
  const uploads = createClient(ArtifactService, transport);
  await expect(uploads.uploadArtifact(files(), { headers: bearer() })).rejects.toMatchObject({
    code: Code.ResourceExhausted,
    rawMessage: 'a stream may hold 2000 messages: use several',
  });
  const { rows } = await app.context.db.pool.query('select count(*) as n from artifact_files');
  expect(rows[0].n).toBe(0);
});

test('a user has so many streams open at a time, which end with whoever leaves', async () => {
  await w.approvalPolicy(1);
  const releaseIntentId = await w.release((await w.artifact()).artifactId, ['production']);
  const open = (by = w.author) => {
    const leave = new AbortController();
    const transport = createGrpcTransport({ baseUrl: app.url });
    const client = createClient(ReleaseService, transport);
    const options = { signal: leave.signal, headers: { authorization: `Bearer ${by.token}` } };
    const events = client.waitRelease({ releaseIntentId }, options)[Symbol.asyncIterator]();
    return { first: events.next(), rest: events, leave: () => leave.abort() };
  };
  const streams = Array.from({ length: STREAMS }, () => open());
  for (const { first } of streams) await first;
  const refused = await open().first.then(
    () => null,
    (error: unknown) => ConnectError.from(error),
  );
  expect(grpcOf(refused?.code)).toBe('ResourceExhausted');
  expect(refused?.rawMessage).toContain(`${STREAMS} streams are open already`);
  expect(refused?.metadata.get('retry-after')).toBe('10');
  // Not somebody else's.
  const other = open(w.reviewer);
  await other.first;
  // Not what is no stream.
  expect((await post(app, LIST, '{}', bearer())).code).toBe('ok');
  streams[0]?.leave();
  const next = await eventually(async () => {
    const again = open();
    const done = await again.first.then(
      () => true,
      () => false,
    );
    return done && again;
  }, 'a place to be free again');
  for (const { leave, rest } of [...streams, other, next]) {
    leave();
    await rest.return?.().catch(() => {});
  }
  // Leaving by and by has lost no place.
  await eventually(async () => {
    const all = Array.from({ length: STREAMS }, () => open());
    const opened = await Promise.all(
      all.map(({ first }) =>
        first.then(
          () => true,
          () => false,
        ),
      ),
    );
    for (const { leave, rest } of all) {
      leave();
      await rest.return?.().catch(() => {});
    }
    return opened.every(Boolean);
  }, 'all places to be free again');
});

describe('requests in a short time', () => {
  const PER_MINUTE = 60;
  /** What a tenth of a minute's part allows: ten seconds at this rate, and a fifth of it without credentials. */
  const [MOST, MOST_ANONYMOUS] = [10, 2];
  let plain: TestApp;
  let limited: TestApp;
  let people: World;
  beforeAll(async () => {
    // The people are made by a server that counts nothing.
    plain = await startTestApp();
    people = await world(plain);
    limited = await startTestApp({
      config: { databaseUrl: plain.databaseUrl, rateLimitPerMinute: PER_MINUTE },
    });
  });
  afterAll(async () => {
    await limited?.stop();
    await plain?.stop();
  });
  const list = (headers: Record<string, string>, server: TestApp = limited) =>
    post(server, LIST, '{}', headers);
  const as = (token: string) => ({ authorization: `Bearer ${token}` });
  const codes = async (count: number, ask: (n: number) => Promise<{ code: string }>) => {
    const found: string[] = [];
    for (let n = 0; n < count; n++) found.push((await ask(n)).code);
    return found;
  };

  test('are counted for each credential, and the refusal says when to try again', async () => {
    const found = await codes(MOST + 5, () => list(as(people.author.token)));
    expect(found).toEqual([...Array(MOST).fill('ok'), ...Array(5).fill('resource_exhausted')]);
    const response = await fetch(`${limited.url}${LIST}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...as(people.author.token) },
      body: '{}',
    });
    const wait = Number(response.headers.get('retry-after'));
    expect(response.status).toBe(429);
    expect(wait).toBeGreaterThanOrEqual(1);
    expect(wait).toBeLessThanOrEqual(10);
    const { details } = (await response.json()) as { details: { type: string; debug: object }[] };
    expect(details).toContainEqual(
      expect.objectContaining({ type: 'forest.v1.RetryInfo', debug: { retryAfterSeconds: wait } }),
    );
    // Somebody else of the same address goes on.
    expect((await list(as(people.reviewer.token))).code).toBe('ok');
  });

  test('are refused alike over gRPC, gRPC-web and by GET', async () => {
    const headers = { headers: as(people.author.token) };
    for (const transport of [
      createGrpcTransport({ baseUrl: limited.url }),
      createGrpcWebTransport({ baseUrl: limited.url, httpVersion: '1.1' }),
      createConnectTransport({ baseUrl: limited.url, httpVersion: '1.1', useHttpGet: true }),
    ]) {
      // Whatever time the test before has taken.
      await codes(MOST + 1, () => list(as(people.author.token)));
      const refused = await createClient(OrganisationService, transport)
        .listMyOrganisations({}, headers)
        .then(
          () => null,
          (error: unknown) => ConnectError.from(error),
        );
      expect(grpcOf(refused?.code)).toBe('ResourceExhausted');
      expect(refused?.findDetails(RetryInfoSchema)[0]?.retryAfterSeconds).toBeGreaterThan(0);
      expect(refused?.metadata.get('retry-after')).toMatch(/^[1-9]\d?$/);
    }
  });

  test('of another server are counted there', async () => {
    const { databaseUrl } = limited;
    const other = await startTestApp({ config: { databaseUrl, rateLimitPerMinute: PER_MINUTE } });
    try {
      expect((await list(as(people.author.token), other)).code).toBe('ok');
    } finally {
      await other.stop();
    }
  });

  test('without credentials, and with ones that are made up, are counted for the address', async () => {
    const { databaseUrl } = limited;
    const other = await startTestApp({ config: { databaseUrl, rateLimitPerMinute: PER_MINUTE } });
    try {
      const session = () => post(other, '/forest.v1.SessionService/GetSession', '{}');
      expect((await list(as(people.reviewer.token), other)).code).toBe('ok');
      expect(await codes(MOST_ANONYMOUS + 1, session)).toEqual([
        ...Array(MOST_ANONYMOUS).fill('ok'),
        'resource_exhausted',
      ]);
      const madeUp = await codes(5, (n) => list(as(`forage_p_made-up-${n}`), other));
      expect(madeUp).toEqual(Array(5).fill('resource_exhausted'));
      // Who has shown to be somebody is not locked out by that.
      expect((await list(as(people.reviewer.token), other)).code).toBe('ok');
    } finally {
      await other.stop();
    }
  });

  test('with the setting at 0 are any number', async () => {
    const all = Array.from({ length: 100 }, () => list(bearer(), app));
    expect(new Set((await Promise.all(all)).map(({ code }) => code))).toEqual(new Set(['ok']));
  });
});
