import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect, nkeys } from '@nats-io/transport-node';
import { v4 } from 'uuid';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { readConfig } from '#server/config.ts';
import { RequestScope, requestScope, withinRequest } from '#server/request-scope.ts';
import { type Bus, subjects } from '#server/signals/bus.ts';
import { createInProcessBus } from '#server/signals/in-process.ts';
import { createNatsBus } from '#server/signals/nats.ts';
import { freePort, type NatsProcess, startNats } from '../../scripts/nats-process.ts';
import { eventually } from './harness.ts';
import { keptLog, WARN } from './log-lines.ts';
import { makeAuthority } from './postgres-server.ts';

/* The bus alone against real nats-server processes. */

const ends: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end();
});

async function nats(port?: number, args: readonly string[] = []): Promise<NatsProcess> {
  const started = await startNats(port, args);
  ends.push(() => started.kill());
  return started;
}

function busTo(url: string, environment: Readonly<Record<string, string>> = {}) {
  const kept = keptLog();
  const faults: unknown[] = [];
  const bus = createNatsBus({
    config: readConfig({ NATS_URL: url, ...environment }),
    name: 'forage/test',
    log: kept.log,
    onError: (error) => faults.push(error),
  });
  ends.push(() => bus.close());
  const heard: string[] = [];
  return { bus, heard, faults, hear: (payload: string) => void heard.push(payload), ...kept };
}

const reaches = (bus: Bus, state: ReturnType<Bus['state']>) =>
  eventually(async () => bus.state() === state, `the bus to be ${state}`, 20_000);

describe('with NATS', () => {
  test('delivers each signal to one of the sharing servers and to all subscribed ones', async () => {
    const { url } = await nats();
    const [a, b] = [busTo(url), busTo(url)];
    const all = { a: [] as string[], b: [] as string[] };
    const intents = Array.from({ length: 100 }, () => v4());
    const [watched = '', organisation, user] = [intents[0], v4(), v4()];
    const events = { a: 0, b: 0 };
    const ended = { a: 0, b: 0 };
    for (const bus of [a, b]) bus.bus.share(subjects.intentEvaluate, bus.hear);
    a.bus.subscribe(subjects.releaseStatus(watched), (payload) => void all.a.push(payload));
    b.bus.subscribe(subjects.releaseStatus(watched), (payload) => void all.b.push(payload));
    a.bus.subscribe(subjects.events(organisation), () => void events.a++);
    b.bus.subscribe(subjects.events(organisation), () => void events.b++);
    a.bus.subscribe(subjects.access(user), () => void ended.a++);
    b.bus.subscribe(subjects.access(user), () => void ended.b++);
    await Promise.all([reaches(a.bus, 'connected'), reaches(b.bus, 'connected')]);

    for (const intent of intents) a.bus.publish(subjects.intentEvaluate, intent);
    a.bus.publish(subjects.releaseStatus(watched), watched);
    a.bus.publish(subjects.access(user), '');
    a.bus.publish(subjects.events(organisation), '');
    await eventually(
      async () => a.heard.length + b.heard.length >= 100 && events.b === 1 && events.a === 1,
      'the signals',
    );
    expect([...a.heard, ...b.heard].sort()).toEqual([...intents].sort());
    expect(a.heard.length).toBeGreaterThan(0);
    expect(b.heard.length).toBeGreaterThan(0);
    expect(all).toEqual({ a: [watched], b: [watched] });
    expect(ended).toEqual({ a: 1, b: 1 });
  });

  test('delivers nothing to a server that no longer shares the subject', async () => {
    const { url } = await nats();
    const [leaves, stays] = [busTo(url), busTo(url)];
    const leave = leaves.bus.share(subjects.releaseQueued, leaves.hear);
    stays.bus.share(subjects.releaseQueued, stays.hear);
    await Promise.all([reaches(leaves.bus, 'connected'), reaches(stays.bus, 'connected')]);
    leaves.bus.publish(subjects.releaseQueued, v4());
    await eventually(async () => leaves.heard.length + stays.heard.length === 1, 'the first signal');
    leave();
    const before = stays.heard.length;
    const releases = Array.from({ length: 50 }, () => v4());
    for (const release of releases) leaves.bus.publish(subjects.releaseQueued, release);
    await eventually(async () => stays.heard.length === before + 50, 'all signals on the other server');
    expect(stays.heard.slice(before)).toEqual(releases);
  });

  test('ignores invalid messages and logs one warning', async () => {
    const { url } = await nats();
    const { bus, heard, hear, lines, faults } = busTo(url);
    bus.share(subjects.intentEvaluate, hear);
    const intent = v4();
    bus.subscribe(subjects.releaseStatus(intent), hear);
    await reaches(bus, 'connected');
    const stranger = await connect({ servers: url });
    for (const payload of [
      '',
      'x',
      `${v4()}'; --`,
      'z'.repeat(36),
      '\u0000'.repeat(36),
      '9'.repeat(100_000),
    ]) {
      stranger.publish(subjects.intentEvaluate, payload);
    }
    stranger.publish(subjects.releaseStatus(intent), v4());
    stranger.publish(subjects.releaseStatus('not-an-id'), intent);
    stranger.publish(subjects.intentEvaluate, intent);
    await stranger.drain();
    await eventually(async () => heard.length > 0, 'the one that is a signal');
    expect(heard).toEqual([intent]);
    expect(faults).toEqual([]);
    expect(lines().filter((line) => line.msg.includes('ignored a NATS message'))).toHaveLength(1);
  });

  test('signs in with a user and password, or a token, from the URL', async () => {
    const withPassword = await nats(undefined, ['--user', 'forage', '--pass', 'p@ss:w/rd']);
    const withToken = await nats(undefined, ['--auth', 'the-token']);
    const password = busTo(withPassword.url.replace('://', `://forage:${encodeURIComponent('p@ss:w/rd')}@`));
    const token = busTo(withToken.url.replace('://', '://the-token@'));
    await Promise.all([reaches(password.bus, 'connected'), reaches(token.bus, 'connected')]);
    expect(password.text() + token.text()).not.toMatch(/p@ss|the-token|%40ss/);
  });

  test('connects when one of several servers is available', async () => {
    const nobody = await freePort();
    const { port } = await nats();
    const { bus } = busTo(`nats://127.0.0.1:${nobody}, 127.0.0.1:${port}`);
    await reaches(bus, 'connected');
  });
});

describe('an unavailable NATS', () => {
  test('keeps signals in this process until it has started', async () => {
    const port = await freePort();
    const { bus, heard, hear, lines } = busTo(`nats://127.0.0.1:${port}`);
    let missed = 0;
    bus.onMissed(() => void missed++);
    bus.share(subjects.intentEvaluate, hear);
    const [first, second] = [v4(), v4()];
    bus.publish(subjects.intentEvaluate, first);
    await eventually(async () => heard.length === 1, 'the signal in this process');
    await eventually(async () => lines().some((line) => line.level === WARN), 'the warning');
    expect(bus.state()).toBe('away');
    expect(missed).toBe(0);

    await nats(port);
    await reaches(bus, 'connected');
    await eventually(async () => missed === 1, 'the look for what was missed');
    bus.publish(subjects.intentEvaluate, second);
    await eventually(async () => heard.length === 2, 'the signal through NATS');
    expect(heard).toEqual([first, second]);
    const warnings = lines().filter((line) => line.level === WARN);
    expect(warnings).toHaveLength(1);
    expect(warnings[0]?.['reason']).toBe(`127.0.0.1:${port}: connection refused`);
  });

  test('is used again after a crash, with restored subscriptions and one log line per change', async () => {
    const before = await nats();
    const [a, b] = [busTo(before.url), busTo(before.url)];
    let missed = 0;
    a.bus.onMissed(() => void missed++);
    const intent = v4();
    b.bus.subscribe(subjects.releaseStatus(intent), b.hear);
    a.bus.share(subjects.releaseQueued, a.hear);
    await Promise.all([reaches(a.bus, 'connected'), reaches(b.bus, 'connected')]);
    await eventually(async () => missed === 1, 'the first look');
    await before.kill();
    await Promise.all([reaches(a.bus, 'away'), reaches(b.bus, 'away')]);
    await eventually(async () => missed === 2, 'the look for what was lost with the connection');
    const release = v4();
    a.bus.publish(subjects.releaseQueued, release);
    await eventually(async () => a.heard.length === 1, 'the signal in this process');
    await nats(before.port);
    await Promise.all([reaches(a.bus, 'connected'), reaches(b.bus, 'connected')]);
    await eventually(async () => missed === 3, 'the look after the return');
    a.bus.publish(subjects.releaseStatus(intent), intent);
    await eventually(async () => b.heard.length === 1, 'the signal on the other server');
    expect(a.lines().filter((line) => line.msg === 'connected to NATS')).toHaveLength(2);
  });

  test('is logged once per reason, not at each attempt', async () => {
    let attempts = 0;
    const refusing = createServer((socket) => {
      attempts++;
      socket.end('-ERR no\r\n');
    });
    await new Promise<void>((resolve) => refusing.listen(0, '127.0.0.1', resolve));
    ends.push(async () => refusing.close());
    const { lines } = busTo(`nats://127.0.0.1:${(refusing.address() as AddressInfo).port}`);
    await eventually(async () => attempts >= 5, 'five attempts', 20_000);
    expect(lines().filter((line) => line.level === WARN)).toHaveLength(1);
  });

  test('is detected when it hangs, and used when it continues', async () => {
    const hanging = await nats();
    const { bus, heard, hear } = busTo(hanging.url);
    bus.share(subjects.intentEvaluate, hear);
    await reaches(bus, 'connected');
    process.kill(hanging.pid, 'SIGSTOP');
    await reaches(bus, 'away');
    bus.publish(subjects.intentEvaluate, v4());
    await eventually(async () => heard.length === 1, 'the signal in this process');
    process.kill(hanging.pid, 'SIGCONT');
    await reaches(bus, 'connected');
  });

  test('receives the pending signals for every server when it is back, each subject once and at most 10,000', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'forage-nats-'));
    ends.push(() => rm(folder, { recursive: true, force: true }));
    const config = join(folder, 'nats.conf');
    const admit = (...users: string[]) =>
      writeFile(
        config,
        `authorization { users = [${users.map((user) => `{ user: ${user}, password: p }`).join(', ')}] }`,
      );
    await admit('listener');
    const { port, pid } = await nats(undefined, ['-c', config]);
    const listener = await connect({ servers: `127.0.0.1:${port}`, user: 'listener', pass: 'p' });
    ends.push(() => listener.close());
    const heard: string[] = [];
    const callback = (_error: Error | null, message: { subject: string }) => void heard.push(message.subject);
    listener.subscribe('forest.release.>', { callback });
    await listener.flush();

    const { bus } = busTo(`nats://forage:p@127.0.0.1:${port}`);
    const intents = Array.from({ length: 10_500 }, () => v4());
    for (const intent of [...intents.slice(0, 10), ...intents]) {
      bus.publish(subjects.releaseStatus(intent), intent);
      bus.publish(subjects.releaseQueued, intent);
    }
    await admit('listener', 'forage');
    process.kill(pid, 'SIGHUP');
    await reaches(bus, 'connected');
    const last = subjects.releaseStatus(v4());
    bus.publish(last, last.slice(-36));
    await eventually(async () => heard.at(-1) === last, 'a signal from after the return');
    const kept = intents.slice(0, 10_000).map((intent) => subjects.releaseStatus(intent));
    expect(heard.slice(0, -1)).toEqual(kept);
  });
});

describe('refusals of NATS', () => {
  test('wrong credentials are logged without their values and retried', async () => {
    const secret = 'never-in-a-log';
    const strict = await nats(undefined, ['--user', 'forage', '--pass', 'right']);
    const { bus, heard, hear, lines, text } = busTo(strict.url.replace('://', `://forage:${secret}@`));
    bus.share(subjects.intentEvaluate, hear);
    await eventually(async () => lines().some((line) => line.level === WARN), 'the warning');
    expect(bus.state()).toBe('away');
    bus.publish(subjects.intentEvaluate, v4());
    await eventually(async () => heard.length === 1, 'the signal in this process');
    const warnings = lines().filter((line) => line.level === WARN);
    expect(warnings).toHaveLength(1);
    expect(warnings[0]?.['reason']).toContain('credentials refused; check the user and password');
    await strict.kill();
    await nats(strict.port, ['--user', 'forage', '--pass', secret]);
    await reaches(bus, 'connected');
    expect(text()).not.toContain(secret);
  });

  test('a user without permissions is logged with the subject, and signals stay in this process', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'forage-nats-'));
    ends.push(() => rm(folder, { recursive: true, force: true }));
    const config = join(folder, 'nats.conf');
    const permissions = '{ subscribe: "forest.>", publish: { deny: "forest.>" } }';
    await writeFile(
      config,
      `authorization { users = [{ user: f, password: p, permissions: ${permissions} }] }`,
    );
    const strict = await nats(undefined, ['-c', config]);
    const { bus, heard, hear, lines } = busTo(strict.url.replace('://', '://f:p@'));
    bus.share(subjects.intentEvaluate, hear);
    const warned = () => lines().find((line) => line.level === WARN);
    await eventually(async () => warned() !== undefined, 'the warning');
    expect(warned()?.['reason']).toMatch(
      /may not publish to forest\.events\..*; allow publish and subscribe for forest\.>/,
    );
    expect(bus.state()).toBe('away');
    bus.publish(subjects.intentEvaluate, v4());
    await eventually(async () => heard.length === 1, 'the signal in this process');
  });

  test('a credentials file is read again at each attempt', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'forage-nats-'));
    ends.push(() => rm(folder, { recursive: true, force: true }));
    const user = nkeys.createUser();
    const config = join(folder, 'nats.conf');
    await writeFile(config, `authorization { users = [{ nkey: ${user.getPublicKey()} }] }`);
    const { url } = await nats(undefined, ['-c', config]);
    const file = join(folder, 'forage.creds');
    const { bus, lines } = busTo(url, { NATS_CREDS: file });
    await eventually(async () => lines().some((line) => line.level === WARN), 'the warning');
    expect(lines()[0]?.['reason']).toContain('a file of NATS_CREDS');
    // This NATS knows users by their keys alone; the token that an account would sign is only carried along.
    const jwt = '-----BEGIN NATS USER JWT-----\nnone\n------END NATS USER JWT------\n';
    const seed = new TextDecoder().decode(user.getSeed());
    await writeFile(
      file,
      `${jwt}\n-----BEGIN USER NKEY SEED-----\n${seed}\n------END USER NKEY SEED------\n`,
    );
    await reaches(bus, 'connected');
  });
});

describe('over TLS', () => {
  let folder: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'forage-nats-tls-'));
  });
  afterEach(() => rm(folder, { recursive: true, force: true }));

  test('trusts only the configured authority', async () => {
    const [own, other] = [
      await makeAuthority(folder, 'own'),
      await makeAuthority(join(folder, 'x'), 'other'),
    ];
    const { cert, key } = await own.issue('localhost');
    const secure = await nats(undefined, ['--tls', '--tlscert', cert, '--tlskey', key]);
    const url = `tls://localhost:${secure.port}`;
    const [trusts, doubts] = [busTo(url, { NATS_TLS_CA: own.ca }), busTo(url, { NATS_TLS_CA: other.ca })];
    await reaches(trusts.bus, 'connected');
    await eventually(async () => doubts.lines().some((line) => line.level === WARN), 'the warning');
    expect(doubts.bus.state()).toBe('away');
    expect(doubts.lines()[0]?.['reason']).toMatch(/certificate|unable to verify/);
  });

  test('refuses a NATS without TLS, and sends the client certificate that NATS requires', async () => {
    const authority = await makeAuthority(folder, 'own');
    const [server, client] = [await authority.issue('localhost'), await authority.issue('forage')];
    const plain = await nats();
    const open = busTo(`tls://localhost:${plain.port}`);
    const asks = [
      '--tlsverify',
      '--tlscert',
      server.cert,
      '--tlskey',
      server.key,
      '--tlscacert',
      authority.ca,
    ];
    const url = `tls://localhost:${(await nats(undefined, asks)).port}`;
    const files = { NATS_TLS_CA: authority.ca, NATS_TLS_CERT: client.cert, NATS_TLS_KEY: client.key };
    const without = busTo(url, { NATS_TLS_CA: authority.ca });
    await reaches(busTo(url, files).bus, 'connected');
    for (const { bus, lines } of [open, without]) {
      await eventually(async () => lines().some((line) => line.level === WARN), 'the warning');
      expect(bus.state()).toBe('away');
    }
  });
});

test.each(['in process', 'over NATS'])(
  'a handler runs for who subscribed, not for the request that published: %s',
  async (kind) => {
    const bus = kind === 'in process' ? createInProcessBus(() => {}) : busTo((await nats()).url).bus;
    if (kind === 'over NATS') await reaches(bus, 'connected');
    const scopes: unknown[] = [];
    bus.share(subjects.intentEvaluate, () => void scopes.push(requestScope()));
    withinRequest(new RequestScope('watcher'), () => {
      bus.subscribe(subjects.intentEvaluate, () => void scopes.push(requestScope()?.requestId));
    });
    withinRequest(new RequestScope('publisher'), () => bus.publish(subjects.intentEvaluate, v4()));
    await eventually(async () => scopes.length === 2, 'both handlers');
    expect(scopes).toEqual([null, 'watcher']);
  },
);
