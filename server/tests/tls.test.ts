import { copyFile, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect as connectTls, type PeerCertificate } from 'node:tls';
import { createClient } from '@connectrpc/connect';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { StatusService } from '#server/gen/forest/v1/health_pb.ts';
import { SessionService } from '#server/gen/forest/v1/sessions_pb.ts';
import { UsersService } from '#server/gen/forest/v1/users_pb.ts';
import { logValidity, readTls } from '#server/http/tls.ts';
import { startTestApp, type TestApp } from './harness.ts';
import { keptLog } from './log-lines.ts';
import { makeAuthority } from './postgres-server.ts';
import { PROTOCOLS } from './protocols.ts';
import { dial, http1 } from './sockets.ts';

const PASSWORD = 'a long enough password';

let folder: string;
let ca: Buffer;
/** The files that the server reads and the tests replace. */
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

/** The certificate that a new connection sees. */
const shown = () =>
  new Promise<PeerCertificate>((resolve, reject) => {
    const socket = connectTls({ port: Number(new URL(app.url).port), host: '127.0.0.1', ca }, () => {
      resolve(socket.getPeerCertificate());
      socket.end();
    });
    socket.on('error', reject);
  });

const get = (path: string, method = 'GET') =>
  http1(`${app.url}${path}`, {
    ca,
    method,
    headers: { 'content-type': 'application/json' },
    body: method === 'POST' ? '{}' : '',
  });

describe('the port under TLS', () => {
  test.each(Object.entries(PROTOCOLS))('serves %s, and sets Secure cookies', async (name, make) => {
    expect(app.url).toMatch(/^https:/);
    const transport = make(app.url, { nodeOptions: { ca } });
    await createClient(StatusService, transport).status({});
    const username = `user-${name.toLowerCase().replace(/[^a-z0-9]+/g, '-')}`;
    const users = createClient(UsersService, transport);
    await users.register({ username, email: `${username}@example.com`, password: PASSWORD });
    let cookie = '';
    await createClient(SessionService, transport).signIn(
      { identifier: username, password: PASSWORD },
      { onHeader: (headers) => (cookie = headers.get('set-cookie') ?? '') },
    );
    expect(cookie).toMatch(/; Secure/);
  });

  test('sends HSTS with files, answers and refusals', async () => {
    for (const answer of [
      await get('/'),
      await get('/forest.v1.StatusService/Status', 'POST'),
      await get('/forest.v1.PolicyService/Nothing', 'POST'),
    ]) {
      expect(answer.headers['strict-transport-security']).toMatch(/^max-age=31536000/);
      expect(answer.headers['x-request-id']).toBeDefined();
    }
  });

  test('closes plaintext connections', async () => {
    expect(await dial(app.url, 'GET / HTTP/1.1\r\nHost: x\r\n\r\n').closed).not.toMatch(/HTTP\/1\.1 200/);
    expect((await get('/healthz')).status).toBe(200);
  });

  test('reloads a renewed certificate, and keeps the old one when the new one is invalid', async () => {
    const end = async () => {
      const text = (await get('/metrics')).body.toString();
      return Number(/^forage_certificate_end_timestamp_seconds (\S+)$/m.exec(text)?.[1]);
    };
    expect((await shown()).subject.CN).toBe('first');
    expect(await end()).toBe(readTls(first).validTo.getTime() / 1_000);
    await use(second);
    app.renewTls();
    expect((await shown()).subject.CN).toBe('second');
    expect(await end()).toBe(readTls(second).validTo.getTime() / 1_000);
    await use({ cert: first.cert, key: second.key });
    expect(() => app.renewTls()).toThrow(/^TLS_KEY: .* does not match the certificate/);
    expect((await shown()).subject.CN).toBe('second');
  });
});

test('warns about a certificate that expires within two weeks', () => {
  const { log, lines } = keptLog();
  const pair = readTls(first);
  const before = (days: number) => new Date(pair.validTo.getTime() - days * 86_400_000);
  for (const days of [13, 15, -1]) logValidity(log, pair, before(days));
  expect(lines().map(({ level, ['days']: days }) => [level, days])).toEqual([
    [40, 13],
    [30, 15],
    [40, -1],
  ]);
});

describe('an unusable certificate is reported with the name of its variable', () => {
  const read = (cert: string, key: string) => () => readTls({ cert, key });

  test('when it is missing, not PEM, or for another key', async () => {
    const nothing = join(folder, 'nothing');
    const text = join(folder, 'text');
    await writeFile(text, 'text');
    expect(read(nothing, first.key)).toThrow(/^TLS_CERT: .*nothing cannot be read: .*ENOENT/);
    expect(read(first.cert, nothing)).toThrow(/^TLS_KEY: .*nothing cannot be read/);
    expect(read(text, first.key)).toThrow(/^TLS_CERT: .*text does not contain a PEM certificate/);
    expect(read(first.cert, text)).toThrow(/^TLS_KEY: .*text does not contain a PEM private key/);
    expect(read(first.cert, second.key)).toThrow(/^TLS_KEY: .* does not match the/);
  });

  test('before anything is started', async () => {
    const tls = { cert: join(folder, 'nothing'), key: first.key };
    await expect(startTestApp({ config: { tls, databaseUrl: app.databaseUrl } })).rejects.toThrow(
      /^TLS_CERT: /,
    );
  });
});
