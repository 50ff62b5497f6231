import { copyFile, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { request } from 'node:https';
import { connect as connectTcp } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect as connectTls, type PeerCertificate } from 'node:tls';
import { createClient } from '@connectrpc/connect';
import {
  createConnectTransport,
  createGrpcTransport,
  createGrpcWebTransport,
} from '@connectrpc/connect-node';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { StatusService } from '#server/gen/forest/v1/health_pb.ts';
import { SessionService } from '#server/gen/forest/v1/sessions_pb.ts';
import { UsersService } from '#server/gen/forest/v1/users_pb.ts';
import { readTls, tellValidity } from '#server/http/tls.ts';
import { createLog } from '#server/observe/log.ts';
import { startTestApp, type TestApp } from './harness.ts';
import { makeAuthority } from './postgres-server.ts';

const PASSWORD = 'a long enough password';

let folder: string;
let ca: Buffer;
/** The files that the server reads; the tests replace them. */
let files: { cert: string; key: string };
let first: { cert: string; key: string };
let second: { cert: string; key: string };
let app: TestApp;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'forage-tls-'));
  const authority = await makeAuthority(folder, 'authority');
  ca = await readFile(authority.ca);
  first = await authority.issue('first', 'IP:127.0.0.1');
  second = await authority.issue('second', 'IP:127.0.0.1');
  files = { cert: join(folder, 'live.pem'), key: join(folder, 'live.key') };
  await use(first);
  app = await startTestApp({ config: { tls: files, staticDir: folder } });
});
afterAll(async () => {
  await app.stop();
  await rm(folder, { recursive: true });
});

async function use({ cert, key }: { cert: string; key: string }): Promise<void> {
  await copyFile(cert, files.cert);
  await copyFile(key, files.key);
}

/** What the server shows of itself to a new connection. */
const shown = () =>
  new Promise<PeerCertificate>((resolve, reject) => {
    const socket = connectTls({ port: Number(new URL(app.url).port), host: '127.0.0.1', ca }, () => {
      resolve(socket.getPeerCertificate());
      socket.end();
    });
    socket.on('error', reject);
  });

const get = (path: string, options: { method?: string; body?: string } = {}) =>
  new Promise<{ status: number; headers: NodeJS.Dict<string | string[]>; text: string }>(
    (resolve, reject) => {
      const headers = { 'content-type': 'application/json' };
      const sent = request(
        `${app.url}${path}`,
        { ca, method: options.method ?? 'GET', headers },
        (response) => {
          const { statusCode: status = 0, headers } = response;
          const chunks: Buffer[] = [];
          response.on('data', (chunk: Buffer) => chunks.push(chunk));
          response.on('end', () => resolve({ status, headers, text: Buffer.concat(chunks).toString() }));
        },
      );
      sent.on('error', reject);
      sent.end(options.body);
    },
  );

describe('the port under TLS', () => {
  test.each([
    ['gRPC', () => createGrpcTransport({ baseUrl: app.url, nodeOptions: { ca } })],
    [
      'gRPC-web over HTTP/1.1',
      () => createGrpcWebTransport({ baseUrl: app.url, httpVersion: '1.1', nodeOptions: { ca } }),
    ],
    [
      'Connect over HTTP/1.1',
      () => createConnectTransport({ baseUrl: app.url, httpVersion: '1.1', nodeOptions: { ca } }),
    ],
    [
      'Connect over HTTP/2',
      () => createConnectTransport({ baseUrl: app.url, httpVersion: '2', nodeOptions: { ca } }),
    ],
  ])('speaks %s, and makes cookies that only travel so', async (_name, transport) => {
    expect(app.url).toMatch(/^https:/);
    await createClient(StatusService, transport()).status({});
    const username = `somebody-${_name.toLowerCase().replace(/[^a-z0-9]+/g, '-')}`;
    const users = createClient(UsersService, transport());
    await users.register({ username, email: `${username}@example.com`, password: PASSWORD });
    let cookie = '';
    const sessions = createClient(SessionService, transport());
    await sessions.signIn(
      { identifier: username, password: PASSWORD },
      { onHeader: (headers) => (cookie = headers.get('set-cookie') ?? '') },
    );
    expect(cookie).toMatch(/; Secure/);
  });

  test('tells browsers to come by TLS only, with files, answers and refusals', async () => {
    const status = { method: 'POST', body: '{}' };
    for (const answer of [
      await get('/'),
      await get('/forest.v1.StatusService/Status', status),
      await get('/forest.v1.PolicyService/Nothing', status),
    ]) {
      expect(answer.headers['strict-transport-security']).toMatch(/^max-age=31536000/);
      expect(answer.headers['x-request-id']).toBeDefined();
    }
  });

  test('closes a connection that speaks plaintext, and goes on', async () => {
    const closed = await new Promise<string>((resolve) => {
      const socket = connectTcp(Number(new URL(app.url).port), '127.0.0.1', () => {
        socket.write('GET / HTTP/1.1\r\nHost: x\r\n\r\n');
      });
      let seen = '';
      socket.on('data', (chunk) => {
        seen += chunk.toString('latin1');
      });
      socket.on('error', () => {});
      socket.on('close', () => resolve(seen));
    });
    expect(closed).not.toMatch(/HTTP\/1\.1 200/);
    expect((await get('/healthz')).status).toBe(200);
  });

  test('takes a renewed certificate without a restart, and keeps the old one when the new one is broken', async () => {
    const end = async () => {
      const { text } = await get('/metrics');
      return Number(/^forage_certificate_end_timestamp_seconds (\S+)$/m.exec(text)?.[1]);
    };
    expect((await shown()).subject.CN).toBe('first');
    expect(await end()).toBe(readTls(first).validTo.getTime() / 1_000);
    await use(second);
    app.renewTls();
    expect((await shown()).subject.CN).toBe('second');
    expect(await end()).toBe(readTls(second).validTo.getTime() / 1_000);
    await use({ cert: first.cert, key: second.key });
    expect(() => app.renewTls()).toThrow(/^TLS_KEY: .* is not the key of the certificate/);
    expect((await shown()).subject.CN).toBe('second');
  });
});

test('a certificate that ends within two weeks is told of loudly', () => {
  const told: string[] = [];
  const log = createLog('info', { write: (line) => void told.push(line) });
  const pair = readTls(first);
  const before = (days: number) => new Date(pair.validTo.getTime() - days * 86_400_000);
  for (const days of [13, 15, -1]) tellValidity(log, pair, before(days));
  expect(told.map((line) => JSON.parse(line)).map(({ level, days }) => [level, days])).toEqual([
    [40, 13],
    [30, 15],
    [40, -1],
  ]);
});

describe('a certificate that cannot be used names its variable', () => {
  const read = (cert: string, key: string) => () => readTls({ cert, key });

  test('missing, no PEM, or of another key', async () => {
    const nothing = join(folder, 'nothing');
    const words = join(folder, 'words');
    await writeFile(words, 'words');
    expect(read(nothing, first.key)).toThrow(/^TLS_CERT: .*nothing cannot be read: .*ENOENT/);
    expect(read(first.cert, nothing)).toThrow(/^TLS_KEY: .*nothing cannot be read/);
    expect(read(words, first.key)).toThrow(/^TLS_CERT: .*words holds no certificate/);
    expect(read(first.cert, words)).toThrow(/^TLS_KEY: .*words holds no private key/);
    expect(read(first.cert, second.key)).toThrow(/^TLS_KEY: .* is not the key of/);
  });

  test('and stops the start before anything runs', async () => {
    const tls = { cert: join(folder, 'nothing'), key: first.key };
    await expect(startTestApp({ config: { tls, databaseUrl: app.databaseUrl } })).rejects.toThrow(
      /^TLS_CERT: /,
    );
  });
});
