import { Code, ConnectError } from '@connectrpc/connect';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { PolicyType } from '#server/gen/forest/v1/policies_pb.ts';
import { PipelineRunStageStatus } from '#server/gen/forest/v1/releases_pb.ts';
import { UsersService } from '#server/gen/forest/v1/users_pb.ts';
import { subjects } from '#server/signals/bus.ts';
import { freePort, type NatsProcess, startNats } from '../../scripts/nats-process.ts';
import { eventually, startTestApp, type TestApp, type TestOptions } from './harness.ts';
import { keptLog, WARN } from './log-lines.ts';
import { at, beside, follow } from './neighbours.ts';
import { answer, type Receiver, startReceiver } from './webhook-receiver.ts';
import { ended, type Person, person, stateOf, type World, world } from './world.ts';

/*
 * Several real servers on one database, in one process. Their sweeps come once a minute unless a test says otherwise, so
 * what happens sooner happened by a signal.
 */

const SOON_MS = 5_000;
const ROUNDS = 25;
const PASSWORD = 'correct horse battery staple';
const SECRET = `whsec_${Buffer.alloc(32, 7).toString('base64')}`;

const ends: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end();
});

const refusal = (call: Promise<unknown>): Promise<Code | null> =>
  call.then(
    () => null,
    (error: unknown) => ConnectError.from(error).code,
  );

/** A release to production that waits for approval, seen from the server that it was asked on. */
async function gated(w: World): Promise<string> {
  const intentId = await w.release((await w.artifact()).artifactId, ['production']);
  await eventually(async () => {
    const [stage] = (await stateOf(w, intentId)).stages;
    return stage?.status === PipelineRunStageStatus.AWAITING_APPROVAL;
  }, 'the stage to wait for approval');
  return intentId;
}

const vote = (app: TestApp, w: World, by: Person, releaseIntentId: string) =>
  at(app, by).policies.approveRelease({
    project: w.project,
    releaseIntentId,
    targetEnvironment: 'production',
  });

describe('two servers and NATS', () => {
  let nats: NatsProcess;
  let [a, b]: TestApp[] = [];
  let target: Receiver;
  let w: World;
  const servers = (): { a: TestApp; b: TestApp } => {
    if (a === undefined || b === undefined) throw new Error('the servers are not there yet');
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
    await w.admin.destinations.createDestination({
      organisation: w.organisation,
      name: 'hook',
      environment: 'production',
      type: { organisation: 'forage', name: 'webhook', version: 1n },
      metadata: { url: target.url, secret: SECRET },
    });
  });
  afterAll(async () => {
    await b?.stop();
    await a?.stop();
    await target?.close();
    await nats?.stop();
  });

  test('votes at the same instant on both open a gate once, and each destination is delivered to once', async () => {
    const { a, b } = servers();
    const intents: string[] = [];
    for (let round = 0; round < ROUNDS; round++) {
      const intentId = await gated(w);
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

  test('who follows a release on one hears at once of what is done on the other', async () => {
    const { a, b } = servers();
    const intentId = await gated(w);
    const watching = await follow(b, w.author, intentId);
    const before = watching.updates();
    const began = performance.now();
    await vote(a, w, w.reviewer, intentId);
    await eventually(async () => watching.updates() > before, 'the first vote', SOON_MS);
    await vote(a, w, w.reviewerTwo, intentId);
    await watching.told;
    expect(performance.now() - began).toBeLessThan(2 * SOON_MS);
    expect(watching.stages().at(-1)).toBe('SUCCEEDED');
  });

  test('what ends somebody’s rights on one holds on the other with the very next request', async () => {
    const { a, b } = servers();
    const { organisationId } = w;
    const newcomer = await person(a, 'newcomer');
    const query = { case: 'organisation', value: { organisation: w.organisation } } as const;
    const mine = () => refusal(at(b, newcomer).releases.getProjects({ query }));
    const policy = () =>
      refusal(at(b, newcomer).policies.deletePolicy({ project: w.project, name: 'no such policy' }));
    for (let round = 0; round < 3; round++) {
      expect(await mine()).toBe(Code.NotFound);
      await w.admin.organisations.addMember({ organisationId, userId: newcomer.userId, role: 'admin' });
      expect(await mine()).toBeNull();
      // An admin is told that it is not there, a member that it is not theirs to ask.
      expect(await policy()).toBe(Code.NotFound);
      await w.admin.organisations.updateMemberRole({
        organisationId,
        userId: newcomer.userId,
        role: 'member',
      });
      expect(await policy()).toBe(Code.PermissionDenied);
      await w.admin.organisations.removeMember({ organisationId, userId: newcomer.userId });
    }

    const onA = a.client(UsersService, newcomer);
    const made = await onA.createPersonalAccessToken({
      userId: newcomer.userId,
      name: 'ci',
      scopes: ['read'],
    });
    const byToken = () => refusal(b.client(UsersService, { token: made.rawToken }).tokenInfo({}));
    expect(await byToken()).toBeNull();
    await onA.deletePersonalAccessToken({ tokenId: made.token?.tokenId ?? '' });
    expect(await byToken()).toBe(Code.Unauthenticated);

    const { tokens } = await a.client(UsersService, {}).login({
      identifier: { case: 'username', value: newcomer.username },
      password: PASSWORD,
    });
    const bySession = () => refusal(b.client(UsersService, { token: tokens?.accessToken }).tokenInfo({}));
    expect(await bySession()).toBeNull();
    await onA.logout({ refreshToken: tokens?.refreshToken ?? '' });
    expect(await bySession()).toBe(Code.Unauthenticated);
  });

  test('who loses the right to follow a release on one is told no more by the other', async () => {
    const { a, b } = servers();
    const { organisationId } = w;
    const leaver = await person(a, 'leaver');
    const { userId } = leaver;
    await w.admin.organisations.addMember({ organisationId, userId, role: 'member' });
    const watching = await follow(b, leaver, await gated(w));
    const ended = refusal(watching.told);
    const began = performance.now();
    await w.admin.organisations.removeMember({ organisationId, userId });
    expect(await ended).toBe(Code.NotFound);
    expect(performance.now() - began).toBeLessThan(SOON_MS);
  });

  test('signing out of a browser’s session on one ends it on the other', async () => {
    const { a, b } = servers();
    const call = async (app: TestApp, method: string, body: object, headers: Record<string, string> = {}) => {
      const response = await fetch(`${app.url}/forest.v1.SessionService/${method}`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', ...headers },
        body: JSON.stringify(body),
      });
      const answered = (await response.json()) as { session?: { csrfToken: string } };
      return { cookie: response.headers.get('set-cookie')?.split(';')[0] ?? '', session: answered.session };
    };
    const signedIn = await call(a, 'SignIn', { identifier: w.author.username, password: PASSWORD });
    const { cookie } = signedIn;
    expect((await call(b, 'GetSession', {}, { cookie })).session).toBeDefined();
    await call(a, 'SignOut', {}, { cookie, 'x-csrf-token': signedIn.session?.csrfToken ?? '' });
    expect((await call(b, 'GetSession', {}, { cookie })).session).toBeUndefined();
  });
});

describe('NATS that comes and goes', () => {
  /** Two servers that sweep once a second, and NATS on that port, if it runs. */
  async function pair(port: number, sweepSeconds: number) {
    const config: TestOptions['config'] = { natsUrl: `nats://127.0.0.1:${port}`, sweepSeconds };
    const a = await startTestApp({ config });
    ends.push(() => a.stop());
    const b = await beside(a, { config });
    ends.push(() => b.stop());
    const w = await world(a);
    await w.approvalPolicy(1);
    const state = (wanted: string) =>
      eventually(
        async () => [a, b].every(({ context }) => context.bus.state() === wanted),
        `both to be ${wanted}`,
        20_000,
      );
    return { a, b, w, state };
  }
  const through = async (a: TestApp, b: TestApp, w: World) => {
    const intentId = await gated(w);
    const watching = await follow(b, w.author, intentId);
    await vote(a, w, w.reviewer, intentId);
    const began = performance.now();
    await watching.told;
    return performance.now() - began;
  };

  test('away at start, then there, then killed, then there again', async () => {
    const port = await freePort();
    const { a, b, w, state } = await pair(port, 1);
    await state('away');
    await through(a, b, w);
    const first = await startNats(port);
    ends.push(() => first.kill());
    await state('connected');
    await through(a, b, w);
    await first.kill();
    await state('away');
    await through(a, b, w);
    const second = await startNats(port);
    ends.push(() => second.kill());
    await state('connected');
    await through(a, b, w);
  });

  test('what happened meanwhile is looked for as soon as it is back', async () => {
    const first = await startNats();
    ends.push(() => first.kill());
    const { a, b, w, state } = await pair(first.port, 60);
    await state('connected');
    const intentId = await gated(w);
    const watching = await follow(b, w.author, intentId);
    await first.kill();
    await state('away');
    await vote(a, w, w.reviewer, intentId);
    await ended(w, intentId);
    // As if the server that wanted this had died before it could say so: no signal will ever come.
    const left = await gated(w);
    await a.context.db.pool.query('update release_intents set next_check_at = now() where id = $1', [left]);
    const evaluations = () => a.coordinator.evaluations() + b.coordinator.evaluations();
    const before = evaluations();
    const second = await startNats(first.port);
    ends.push(() => second.kill());
    await watching.told;
    await eventually(async () => evaluations() > before, 'the look at what is due');
    // Fast again, with sweeps a minute apart.
    expect(await through(a, b, w)).toBeLessThan(SOON_MS);
  });
});

describe('two servers without NATS', () => {
  test('hear of each other by their sweeps, and say what would be better', async () => {
    const [logOfA, logOfB] = [keptLog(), keptLog()];
    const a = await startTestApp({ config: { sweepSeconds: 1 }, log: logOfA.log });
    ends.push(() => a.stop());
    const b = await beside(a, { config: { sweepSeconds: 1 }, log: logOfB.log });
    ends.push(() => b.stop());
    const warning = logOfB.lines().filter((line) => line.level === WARN && line.msg.includes('NATS_URL'));
    expect(warning).toHaveLength(1);
    expect(warning[0]?.msg).toMatch(/another Forage server .* within 1 s .* set NATS_URL/);
    expect(logOfA.text()).not.toContain('another Forage server');

    const w = await world(a);
    await w.approvalPolicy(1);
    const intentId = await gated(w);
    const watching = await follow(b, w.author, intentId);
    await vote(a, w, w.reviewer, intentId);
    await watching.told;
    expect(watching.stages().at(-1)).toBe('SUCCEEDED');
  });

  test('one with NATS does not look for others', async () => {
    const statements: string[] = [];
    const nats = await startNats();
    ends.push(() => nats.stop());
    const a = await startTestApp({
      config: { natsUrl: nats.url },
      observeStatement: (name) => statements.push(name),
    });
    ends.push(() => a.stop());
    expect(statements).not.toContain('db.other_servers');
  });

  test('a soak time is noticed when the server that waits for it has gone', async () => {
    const stays = await startTestApp({ config: { sweepSeconds: 1 } });
    ends.push(() => stays.stop());
    const goes = await beside(stays);
    ends.push(() => goes.stop());
    const w = await world(goes);
    const value = { sourceEnvironment: 'staging', targetEnvironment: 'production', durationSeconds: 4n };
    await w.admin.policies.createPolicy({
      project: w.project,
      name: 'soak',
      policyType: PolicyType.SOAK_TIME,
      config: { case: 'soakTime', value },
    });
    const { artifactId } = await w.artifact();
    await ended(w, await w.release(artifactId, ['staging']));
    const intentId = await w.release(artifactId, ['production']);
    const state = async () => {
      const { releaseIntents } = await at(stays, w.author).releases.getReleaseIntentStates({
        organisation: w.organisation,
        includeCompleted: true,
      });
      return releaseIntents.find((one) => one.releaseIntentId === intentId);
    };
    await eventually(async () => (await state())?.stages[0]?.nextCheckAt, 'the time of the next look');
    await goes.stop();
    expect((await state())?.steps).toEqual([]);
    await eventually(async () => (await state())?.steps.length === 2, 'the gate to open', 20_000);
  });
});
