import { Code } from '@connectrpc/connect';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { UsersService } from '#server/gen/forest/v1/users_pb.ts';
import { subjects } from '#server/signals/bus.ts';
import { freePort, type NatsProcess, startNats } from '../../scripts/nats-process.ts';
import { asBrowser, post } from './browser.ts';
import { codeOf, gatedRelease, soakPolicy, voteOn } from './gate-world.ts';
import { eventually, startTestApp, type TestApp, type TestOptions } from './harness.ts';
import { keptLog, WARN } from './log-lines.ts';
import { at, beside, follow } from './neighbours.ts';
import { answer, type Receiver, startReceiver } from './webhook-receiver.ts';
import { ended, PASSWORD, type Person, person, stateOf, type World, world } from './world.ts';

// Several servers on one database, in one process. They sweep once a minute unless a test says otherwise: what happens within the
// timeout of a test (30 seconds) happens by a signal.

const ROUNDS = 25;
const SECRET = `whsec_${Buffer.alloc(32, 7).toString('base64')}`;

const ends: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end();
});

/** Starts a server, or another one on the same database, which stops after the test. */
const start = async (options: TestOptions, first?: TestApp): Promise<TestApp> => {
  const app = await (first === undefined ? startTestApp(options) : beside(first, options));
  ends.push(() => app.stop());
  return app;
};

const vote = (app: TestApp, w: World, by: Person, releaseIntentId: string) =>
  at(app, by).policies.approveRelease(voteOn(w, releaseIntentId));

/** A release that waits, followed on the second server, deploys after a vote on the first one. */
async function deployThrough(a: TestApp, b: TestApp, w: World): Promise<void> {
  const intentId = await gatedRelease(w);
  const watching = await follow(b, w.author, intentId);
  await vote(a, w, w.reviewer, intentId);
  await watching.finished;
  expect(watching.stages().at(-1)).toBe('SUCCEEDED');
}

describe('two servers and NATS', () => {
  let nats: NatsProcess;
  let [a, b]: TestApp[] = [];
  let target: Receiver;
  let w: World;
  const servers = (): { a: TestApp; b: TestApp } => {
    if (a === undefined || b === undefined) throw new Error('the servers have not started');
    return { a, b };
  };

  beforeAll(async () => {
    nats = await startNats();
    a = await startTestApp({ config: { natsUrl: nats.url } });
    b = await beside(a, { config: { natsUrl: nats.url } });
    for (const app of [a, b])
      await eventually(async () => app.context.bus.state() === 'connected', 'the connection to NATS');
    target = await startReceiver(answer(200));
    w = await world(a);
    await w.approvalPolicy(2);
    await w.destination('hook', 'production', { url: target.url, secret: SECRET }, 'webhook');
  });
  afterAll(async () => {
    await b?.stop();
    await a?.stop();
    await target?.close();
    await nats?.stop();
  });

  test('concurrent votes on both open a gate once, with one delivery to each destination', async () => {
    const { a, b } = servers();
    const intents: string[] = [];
    for (let round = 0; round < ROUNDS; round++) {
      const intentId = await gatedRelease(w);
      intents.push(intentId);
      const evaluate = [a, b].map(async ({ context }) =>
        context.bus.publish(subjects.intentEvaluate, intentId),
      );
      await Promise.all([vote(a, w, w.reviewer, intentId), vote(b, w, w.reviewerTwo, intentId), ...evaluate]);
    }
    for (const intentId of intents) {
      const { steps } = await ended(w, intentId);
      expect(steps.map((step) => [step.destinationName, step.attempt]).sort()).toEqual([
        ['eu-west', 1],
        ['hook', 1],
        ['us-east', 1],
      ]);
    }
    const { rows } = await a.context.db.pool.query<{ id: string; opened: number }>(
      `select release_intent_id as id, count(*) as opened from history
        where kind = 'gate.opened' and release_intent_id = any($1) group by 1`,
      [intents],
    );
    expect(rows.map((row) => row.opened)).toEqual(intents.map(() => 1));
    const deliveries = target.received.map((got) => got.headers['webhook-id']);
    expect(deliveries).toHaveLength(ROUNDS);
    expect(new Set(deliveries).size).toBe(ROUNDS);
  });

  test('a stream on one server reports votes on the other', async () => {
    const { a, b } = servers();
    const intentId = await gatedRelease(w);
    const watching = await follow(b, w.author, intentId);
    const before = watching.updates();
    await vote(a, w, w.reviewer, intentId);
    await eventually(async () => watching.updates() > before, 'the first vote');
    await vote(a, w, w.reviewerTwo, intentId);
    await watching.finished;
    expect(watching.stages().at(-1)).toBe('SUCCEEDED');
  });

  test('rights that end on one server end on the other with the next request', async () => {
    const { a, b } = servers();
    const newcomer = await person(a, 'newcomer');
    const query = { case: 'organisation', value: { organisation: w.organisation } } as const;
    const mine = () => codeOf(at(b, newcomer).releases.getProjects({ query }));
    const policy = () =>
      codeOf(at(b, newcomer).policies.deletePolicy({ project: w.project, name: 'no such policy' }));
    for (let round = 0; round < 3; round++) {
      expect(await mine()).toBe(Code.NotFound);
      await w.addMember(newcomer, 'admin');
      expect(await mine()).toBeNull();
      expect(await policy()).toBe(Code.NotFound);
      await w.setRole(newcomer, 'member');
      expect(await policy()).toBe(Code.PermissionDenied);
      await w.removeMember(newcomer);
    }

    const { userId, username } = newcomer;
    const onA = a.client(UsersService, newcomer);
    const isAccepted = (token = '') => codeOf(b.client(UsersService, { token }).tokenInfo({}));
    const made = await onA.createPersonalAccessToken({ userId, name: 'ci', scopes: ['read'] });
    expect(await isAccepted(made.rawToken)).toBeNull();
    await onA.deletePersonalAccessToken({ tokenId: made.token?.tokenId ?? '' });
    expect(await isAccepted(made.rawToken)).toBe(Code.Unauthenticated);

    const identifier = { case: 'username', value: username } as const;
    const { tokens } = await onA.login({ identifier, password: PASSWORD });
    expect(await isAccepted(tokens?.accessToken)).toBeNull();
    await onA.logout({ refreshToken: tokens?.refreshToken ?? '' });
    expect(await isAccepted(tokens?.accessToken)).toBe(Code.Unauthenticated);

    const { cookie } = await post(a, 'SessionService/SignIn', { identifier: username, password: PASSWORD });
    const session = async () => (await post(b, 'SessionService/GetSession', {}, { cookie })).body.session;
    expect(await session()).toBeDefined();
    await post(a, 'SessionService/SignOut', {}, asBrowser(cookie));
    expect(await session()).toBeUndefined();
  });

  test('a stream ends when its caller loses access on the other server', async () => {
    const { a, b } = servers();
    const leaver = await person(a, 'leaver');
    await w.addMember(leaver);
    const watching = await follow(b, leaver, await gatedRelease(w));
    const end = codeOf(watching.finished);
    await w.removeMember(leaver);
    expect(await end).toBe(Code.NotFound);
  });
});

describe('NATS that is unavailable at times', () => {
  /** Two servers that use NATS on a port, whether it runs or not. */
  async function pair(port: number, sweepSeconds: number) {
    const config: TestOptions['config'] = { natsUrl: `nats://127.0.0.1:${port}`, sweepSeconds };
    const a = await start({ config });
    const b = await start({ config }, a);
    const w = await world(a);
    await w.approvalPolicy(1);
    const states = () => [a, b].map(({ context }) => context.bus.state());
    const reach = (wanted: string) =>
      eventually(async () => states().every((state) => state === wanted), `both to be ${wanted}`, 20_000);
    return { a, b, w, reach };
  }
  const startNatsOn = async (port?: number) => {
    const nats = await startNats(port);
    ends.push(() => nats.kill());
    return nats;
  };

  test('at start, and after it was killed', async () => {
    const port = await freePort();
    const { a, b, w, reach } = await pair(port, 1);
    for (let round = 0; round < 2; round++) {
      await reach('away');
      await deployThrough(a, b, w);
      const nats = await startNatsOn(port);
      await reach('connected');
      await deployThrough(a, b, w);
      await nats.kill();
    }
  });

  test('missed signals are made up for when it is back', async () => {
    const first = await startNatsOn();
    const { a, b, w, reach } = await pair(first.port, 60);
    await reach('connected');
    const intentId = await gatedRelease(w);
    const watching = await follow(b, w.author, intentId);
    await first.kill();
    await reach('away');
    await vote(a, w, w.reviewer, intentId);
    await ended(w, intentId);
    // As if the server that scheduled this had died: no signal will arrive.
    const left = await gatedRelease(w);
    await a.context.db.pool.query('update release_intents set next_check_at = now() where id = $1', [left]);
    const evaluations = () => a.coordinator.evaluations() + b.coordinator.evaluations();
    const before = evaluations();
    await startNatsOn(first.port);
    await watching.finished;
    await eventually(async () => evaluations() > before, 'the evaluation of what is due');
    await deployThrough(a, b, w);
  });
});

describe('two servers without NATS', () => {
  test('synchronise by their sweeps, and warn that NATS_URL is missing', async () => {
    const { log, lines } = keptLog();
    const config = { sweepSeconds: 1 };
    const a = await start({ config });
    const b = await start({ config, log }, a);
    const warnings = () => lines().filter(({ level, msg }) => level === WARN && msg.includes('NATS_URL'));
    await eventually(async () => warnings().length > 0, 'the warning about another server');
    expect(warnings()).toEqual([
      expect.objectContaining({
        msg: expect.stringMatching(/another Forage server .* up to 1 s .* set NATS_URL/),
      }),
    ]);
    const w = await world(a);
    await w.approvalPolicy(1);
    await deployThrough(a, b, w);
  });

  test('a server with NATS does not check for others', async () => {
    const statements: string[] = [];
    const nats = await startNats();
    ends.push(() => nats.stop());
    await start({ config: { natsUrl: nats.url }, observeStatement: (name) => statements.push(name) });
    expect(statements).not.toContain('db.other_servers');
  });

  test('a soak time ends after the server that waited for it has stopped', async () => {
    const stays = await start({ config: { sweepSeconds: 1 } });
    const goes = await start({}, stays);
    const w = await world(goes);
    await soakPolicy(w, 4);
    const { artifactId } = await w.artifact();
    await ended(w, await w.release(artifactId, ['staging']));
    const intentId = await w.release(artifactId, ['production']);
    const through = { ...w, author: { ...w.author, ...at(stays, w.author) } };
    const state = () => stateOf(through, intentId);
    await eventually(async () => (await state()).stages[0]?.nextCheckAt, 'the time of the next check');
    await goes.stop();
    expect((await state()).steps).toEqual([]);
    await eventually(async () => (await state()).steps.length === 2, 'the gate to open', 20_000);
  });
});
