import { setTimeout as sleep } from 'node:timers/promises';
import { Code, ConnectError } from '@connectrpc/connect';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { timeOut } from '#server/features/deliveries/service.ts';
import {
  PipelineRunStageStatus,
  ReleaseIntentStatus,
  ReleaseService,
  ReleaseStatus,
} from '#server/gen/forest/v1/releases_pb.ts';
import { eventually, startTestApp, type TestApp } from './harness.ts';
import { type Answer, answer, hang, type Receiver, startReceiver } from './webhook-receiver.ts';
import { ended, stateOf, type World, world } from './world.ts';

const SECRET = `whsec_${Buffer.alloc(32, 7).toString('base64')}`;
const NOBODY = '01890000-0000-7000-8000-000000000000';

let app: TestApp;
const statements: string[] = [];
beforeAll(async () => {
  app = await startTestApp({ observeStatement: (name) => statements.push(name) });
});
afterAll(() => app.stop());

const closing: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

async function receiver(...answers: readonly Answer[]): Promise<Receiver> {
  const started = await startReceiver(...answers);
  closing.push(() => started.close());
  return started;
}

/** Another server on the same database, as after a crash or beside the first. */
async function anotherServer(sweepSeconds = 60): Promise<TestApp> {
  const other = await startTestApp({ config: { databaseUrl: app.databaseUrl, sweepSeconds } });
  closing.push(() => other.stop());
  return other;
}

let made = 0;
/** A new environment with one webhook destination that leads to the receiver. */
async function webhookEnvironment(w: World, target: Receiver, metadata: Record<string, string> = {}) {
  const environment = `hooked-${++made}`;
  const name = `hook-${made}`;
  await w.admin.environments.createEnvironment({ organisation: w.organisation, name: environment });
  await w.admin.destinations.createDestination({
    organisation: w.organisation,
    name,
    environment,
    type: { organisation: 'forage', name: 'webhook', version: 1n },
    metadata: { url: target.url, secret: SECRET, ...metadata },
  });
  return { environment, name };
}

async function noopEnvironment(w: World, metadata: Record<string, string>) {
  const environment = `noop-${++made}`;
  await w.admin.environments.createEnvironment({ organisation: w.organisation, name: environment });
  await w.admin.destinations.createDestination({
    organisation: w.organisation,
    name: environment,
    environment,
    type: { organisation: 'forage', name: 'noop', version: 1n },
    metadata,
  });
  return environment;
}

async function released(w: World, environment: string): Promise<string> {
  return w.release((await w.artifact()).artifactId, [environment]);
}

const rows = async (sql: string, ...values: unknown[]) => (await app.context.db.pool.query(sql, values)).rows;

const receivedBy = (target: Receiver, count = 1) =>
  eventually(async () => target.received.length >= count, `${count} requests at the receiver`);

const statusOfStep = async (w: World, intentId: string) => (await stateOf(w, intentId)).steps[0]?.status;

const becomes = (w: World, intentId: string, status: string) =>
  eventually(async () => (await statusOfStep(w, intentId)) === status, `the release to become ${status}`);

/** Calls ReportRelease as a receiver would: by the address and the token of the request it got. */
async function report(target: Receiver, body: Record<string, unknown>, change: { token?: string } = {}) {
  const event = target.received.at(-1)?.event ?? {};
  const response = await fetch(String(event.report_url), {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      authorization: `Bearer ${change.token ?? String(event.report_token)}`,
    },
    body: JSON.stringify({ release_id: event.release_id, ...body }),
  });
  return { status: response.status, body: (await response.json()) as { code?: string; message?: string } };
}

describe('a delivery', () => {
  test('to a no-op destination: every destination succeeds, with its log and its history', async () => {
    const w = await world(app);
    const intent = await released(w, 'production');
    const state = await ended(w, intent);
    expect(state.steps.map((step) => [step.destinationName, step.statusCode, step.attempt])).toEqual([
      ['eu-west', ReleaseStatus.SUCCEEDED, 1],
      ['us-east', ReleaseStatus.SUCCEEDED, 1],
    ]);
    const logs = await rows(
      'select l.line from release_logs l join releases r on r.id = l.release_id where r.release_intent_id = $1',
      intent,
    );
    expect(logs).toHaveLength(2);
    expect(logs[0].line).toContain('nothing is deployed');
    const history = await rows(
      `select subject, actor_username from history where release_intent_id = $1 and kind = 'deployment.succeeded' order by subject`,
      intent,
    );
    expect(history.map((entry) => entry.subject.replace(/^.* on /, ''))).toEqual([
      'production/eu-west',
      'production/us-east',
    ]);
    expect(history[0].actor_username).toBe('forage');
  });

  test('that fails on request fails the release with its words', async () => {
    const w = await world(app);
    const environment = await noopEnvironment(w, { fail: 'true', fail_message: 'no room left' });
    const state = await ended(w, await released(w, environment), ReleaseIntentStatus.FAILED);
    expect(state.steps[0]).toMatchObject({ status: 'FAILED', errorMessage: 'no room left' });
    expect(state.stages[0]?.errorMessage).toContain('no room left');
  });

  test('by webhook: 200 is done, 404 fails with the answer', async () => {
    const w = await world(app);
    const good = await receiver(answer(200));
    const { environment, name } = await webhookEnvironment(w, good);
    await ended(w, await released(w, environment));
    expect(good.received).toHaveLength(1);
    expect(good.received[0]?.event).toMatchObject({ environment, destination: name, project: 'checkout' });

    const bad = await receiver(answer(404, 'who are you'));
    const other = await webhookEnvironment(w, bad);
    const state = await ended(w, await released(w, other.environment), ReleaseIntentStatus.FAILED);
    expect(state.steps[0]?.errorMessage).toBe(`${bad.url} answered 404: who are you`);
  });

  test('in plan mode gives the plan', async () => {
    const w = await world(app);
    const target = await receiver(answer(200, 'add 3\nchange 1'));
    const { environment } = await webhookEnvironment(w, target);
    await w.admin.pipelines.createReleasePipeline({
      project: w.project,
      name: 'planned',
      stages: [{ id: 'look', config: { case: 'plan', value: { environment, autoApprove: false } } }],
    });
    const { artifactId } = await w.artifact();
    const { intents } = await w.author.releases.release({ artifactId, usePipeline: true });
    const releaseIntentId = intents[0]?.releaseIntentId ?? '';
    await eventually(
      async () =>
        (await stateOf(w, releaseIntentId)).stages[0]?.status === PipelineRunStageStatus.AWAITING_APPROVAL,
      'the plan to wait for approval',
    );
    const plan = await w.reviewer.releases.getPlanOutput({ releaseIntentId, stageId: 'look' });
    expect(plan.outputs[0]?.planOutput).toBe('add 3\nchange 1');
    expect(target.received[0]?.event.mode).toBe('plan');
  });

  test('is given up when the release is cancelled', async () => {
    const w = await world(app);
    let closed = false;
    const target = await receiver((response) => response.on('close', () => (closed = true)));
    const { environment } = await webhookEnvironment(w, target);
    const releaseIntentId = await released(w, environment);
    await receivedBy(target);
    await w.author.releases.cancelRelease({ releaseIntentId });
    await eventually(async () => closed, 'the request to be given up');
    expect(await statusOfStep(w, releaseIntentId)).toBe('CANCELLED');
    const again = await report(target, { status: 'RELEASE_STATUS_SUCCEEDED' });
    expect(again.body.code).toBe('failed_precondition');
  });
});

describe('a reported delivery', () => {
  async function running() {
    const w = await world(app);
    const target = await receiver(answer(202));
    const { environment } = await webhookEnvironment(w, target);
    const intent = await released(w, environment);
    await becomes(w, intent, 'RUNNING');
    return { w, target, intent };
  }

  /** How many failed deliveries whoever runs the server is told of. */
  const failures = async () =>
    Number(
      /^forage_deliveries_total{outcome="failed"} (\d+)$/m.exec(await app.context.metrics.text())?.[1] ?? 0,
    );

  test('runs until it is reported, and is reported once', async () => {
    const { w, target, intent } = await running();
    const progress = await report(target, { status: 'RELEASE_STATUS_RUNNING', log_lines: ['half', 'way'] });
    expect(progress.status).toBe(200);
    expect(await statusOfStep(w, intent)).toBe('RUNNING');
    expect((await report(target, { status: 'RELEASE_STATUS_SUCCEEDED', log_lines: ['done'] })).status).toBe(
      200,
    );
    await ended(w, intent);
    expect((await report(target, { status: 'RELEASE_STATUS_SUCCEEDED' })).status).toBe(200);
    const late = await report(target, { status: 'RELEASE_STATUS_FAILED', error_message: 'oh' });
    expect(late.body).toMatchObject({ code: 'failed_precondition' });
    expect(late.body.message).toContain('SUCCEEDED');
    const logs = await rows(
      `select l.line from release_logs l join releases r on r.id = l.release_id
        where r.release_intent_id = $1 and l.line in ('half', 'way', 'done') order by l.id`,
      intent,
    );
    expect(logs.map((row) => row.line)).toEqual(['half', 'way', 'done']);
  });

  test('that failed says why', async () => {
    const { w, target, intent } = await running();
    const words = `disk full: ${'x'.repeat(3_980)}`;
    const before = await failures();
    await report(target, { status: 'RELEASE_STATUS_FAILED', error_message: words });
    expect(await failures()).toBe(before + 1);
    const state = await ended(w, intent, ReleaseIntentStatus.FAILED);
    expect(state.steps[0]).toMatchObject({ status: 'FAILED', errorMessage: words });
  });

  test('is refused without its own token', async () => {
    const { w, target, intent } = await running();
    const other = await running();
    const wrong = await report(target, { status: 'RELEASE_STATUS_SUCCEEDED' }, { token: 'guess' });
    expect(wrong.body.code).toBe('unauthenticated');
    const asUser = await report(target, { status: 'RELEASE_STATUS_SUCCEEDED' }, { token: w.admin.token });
    expect(asUser.body.code).toBe('unauthenticated');
    const token = String(other.target.received[0]?.event.report_token);
    const foreign = await report(target, { status: 'RELEASE_STATUS_SUCCEEDED' }, { token });
    expect(foreign.body.code).toBe('not_found');
    const client = app.client(ReleaseService, {});
    const none = await client
      .reportRelease({ releaseId: NOBODY, status: ReleaseStatus.SUCCEEDED })
      .catch((error) => ConnectError.from(error).code);
    expect(none).toBe(Code.Unauthenticated);
    expect((await report(target, { status: 'RELEASE_STATUS_QUEUED' })).body.code).toBe('invalid_argument');
    expect(await statusOfStep(w, intent)).toBe('RUNNING');
    expect(await statusOfStep(other.w, other.intent)).toBe('RUNNING');
  });

  test('that nobody reports times out by itself, between sweeps', async () => {
    const w = await world(app);
    const target = await receiver(answer(202));
    const { environment } = await webhookEnvironment(w, target, { timeout_seconds: '1' });
    const state = await ended(w, await released(w, environment), ReleaseIntentStatus.FAILED);
    expect(state.steps[0]).toMatchObject({
      status: 'TIMED_OUT',
      errorMessage: 'the destination did not report the outcome in time',
    });
  });

  test('costs nothing while it runs', async () => {
    await running();
    await app.coordinator.idle();
    await sleep(200);
    const before = statements.length;
    await sleep(2_000);
    expect(statements.slice(before)).toEqual([]);
  });
});

describe('a destination', () => {
  test('takes one release at a time, the oldest first', async () => {
    const w = await world(app);
    const target = await receiver(answer(202));
    const { environment } = await webhookEnvironment(w, target);
    const first = await released(w, environment);
    await becomes(w, first, 'RUNNING');
    const second = await released(w, environment);
    const third = await released(w, environment);
    await app.coordinator.idle();
    await sleep(100);
    expect(target.received).toHaveLength(1);
    expect(await statusOfStep(w, second)).toBe('QUEUED');

    await report(target, { status: 'RELEASE_STATUS_SUCCEEDED' });
    await receivedBy(target, 2);
    await becomes(w, second, 'RUNNING');
    expect(await statusOfStep(w, third)).toBe('QUEUED');
    await w.author.releases.cancelRelease({ releaseIntentId: second });
    await becomes(w, third, 'RUNNING');
    expect(target.received.map((got) => got.event.release_intent_id)).toEqual([first, second, third]);
  });

  test('starts nothing whose gate closed while it was queued', async () => {
    const w = await world(app);
    const target = await receiver(answer(202));
    const { environment } = await webhookEnvironment(w, target);
    const first = await released(w, environment);
    await becomes(w, first, 'RUNNING');
    const second = await released(w, environment);
    await eventually(async () => (await stateOf(w, second)).steps.length === 1, 'the second to be queued');
    // Written past the service: no wake-up tells the coordinator, so only the start itself can notice.
    await rows(
      `insert into policies (id, project_id, name, type, target_environment, config, created_at, updated_at)
       select gen_random_uuid(), id, 'late', 'approval', $2, jsonb_build_object('type', 'approval',
         'targetEnvironment', $2::text, 'requiredApprovals', 1), now(), now()
         from projects where organisation_id = $1`,
      w.organisationId,
      environment,
    );
    await report(target, { status: 'RELEASE_STATUS_SUCCEEDED' });
    await eventually(
      async () => (await stateOf(w, second)).stages[0]?.status === PipelineRunStageStatus.AWAITING_APPROVAL,
      'the second to wait for approval',
    );
    expect(target.received).toHaveLength(1);

    // A held release keeps nobody else waiting: with its own vote a third one passes it.
    const third = await released(w, environment);
    const vote = { project: w.project, targetEnvironment: environment };
    await w.reviewer.policies.approveRelease({ ...vote, releaseIntentId: third });
    await becomes(w, third, 'RUNNING');
    await w.reviewer.policies.approveRelease({ ...vote, releaseIntentId: second });
    await report(target, { status: 'RELEASE_STATUS_SUCCEEDED' });
    await becomes(w, second, 'RUNNING');
    expect(target.received).toHaveLength(3);
  });
});

describe('after a crash', () => {
  /** What a server that was killed leaves behind: a lease that nobody renews. */
  const abandon = (intent: string, extra = '') =>
    rows(
      `update releases set lease_owner = gen_random_uuid(), lease_until = now() - interval '1 second'${extra}
        where release_intent_id = $1`,
      intent,
    );

  test('a delivery that had begun is made again under the same id, and the old one stores nothing', async () => {
    const w = await world(app);
    const answers: ((status: number) => void)[] = [];
    const target = await receiver((response) => answers.push((status) => response.writeHead(status).end()));
    const { environment } = await webhookEnvironment(w, target);
    const intent = await released(w, environment);
    await receivedBy(target);
    await abandon(intent);
    await anotherServer();
    await receivedBy(target, 2);
    const [first, second] = target.received;
    expect(second?.headers['webhook-id']).toBe(first?.headers['webhook-id']);
    expect(second?.event.report_token).not.toBe(first?.event.report_token);

    // What the first one hears now would have failed the release, had it still been its own.
    answers[0]?.(404);
    await sleep(300);
    expect(await statusOfStep(w, intent)).toBe('RUNNING');
    answers[1]?.(200);
    const state = await ended(w, intent);
    expect(state.steps[0]).toMatchObject({ status: 'SUCCEEDED', attempt: 2 });
  });

  test('a lease that is not renewed is taken over when it ends, between sweeps', async () => {
    const w = await world(app);
    const target = await receiver(hang, answer(200));
    const { environment } = await webhookEnvironment(w, target);
    const intent = await released(w, environment);
    await receivedBy(target);
    await rows(
      `update releases set lease_owner = gen_random_uuid(), lease_until = clock_timestamp() + interval '1 second'
        where release_intent_id = $1`,
      intent,
    );
    // It sees the lease at its start, when it still holds, and sweeps once a minute.
    await anotherServer();
    const state = await ended(w, intent);
    expect(state.steps[0]).toMatchObject({ status: 'SUCCEEDED', attempt: 2 });
  });

  test('the first attempt’s token still reports, for receivers that drop doubled requests', async () => {
    const w = await world(app);
    const target = await receiver(hang);
    const { environment } = await webhookEnvironment(w, target);
    const intent = await released(w, environment);
    await receivedBy(target);
    await abandon(intent);
    await anotherServer();
    await receivedBy(target, 2);
    const token = String(target.received[0]?.event.report_token);
    expect((await report(target, { status: 'RELEASE_STATUS_SUCCEEDED' }, { token })).status).toBe(200);
    await ended(w, intent);
  });

  test('a delivery that had not begun passes the gate again', async () => {
    const w = await world(app);
    const target = await receiver(answer(202));
    const { environment } = await webhookEnvironment(w, target);
    const intent = await released(w, environment);
    await becomes(w, intent, 'RUNNING');
    await abandon(intent, `, status = 'ASSIGNED', started_at = null`);
    await w.approvalPolicy(1, environment);
    await anotherServer();
    await eventually(
      async () => (await stateOf(w, intent)).stages[0]?.status === PipelineRunStageStatus.AWAITING_APPROVAL,
      'the release to wait for approval',
    );
    expect(await statusOfStep(w, intent)).toBe('QUEUED');
    expect(target.received).toHaveLength(1);
    await w.reviewer.policies.approveRelease({
      project: w.project,
      targetEnvironment: environment,
      releaseIntentId: intent,
    });
    await receivedBy(target, 2);
  });

  test('a deadline that an earlier attempt left behind does not end a later one', async () => {
    const w = await world(app);
    const target = await receiver(answer(202));
    const { environment } = await webhookEnvironment(w, target);
    const intent = await released(w, environment);
    await becomes(w, intent, 'RUNNING');
    const [{ id }] = await rows('select id from releases where release_intent_id = $1', intent);
    // Remembered from the attempt before: a deadline that is past, while the one that is stored is to come.
    expect(await timeOut(app.context, id)).toBe(false);
    expect(await statusOfStep(w, intent)).toBe('RUNNING');
    await rows(`update releases set deadline_at = now() - interval '1 second' where id = $1`, id);
    expect(await timeOut(app.context, id)).toBe(true);
    await ended(w, intent, ReleaseIntentStatus.FAILED);
  });

  test('a no-op goes on from when it began', async () => {
    const w = await world(app);
    const environment = await noopEnvironment(w, { seconds: '3' });
    const other = await anotherServer();
    const intent = await (async () => {
      const { artifactId } = await w.artifact();
      const releases = other.client(ReleaseService, { token: w.author.token });
      const { intents } = await releases.release({ artifactId, environments: [environment] });
      return intents[0]?.releaseIntentId ?? '';
    })();
    await becomes(w, intent, 'RUNNING');
    const began = Date.now();
    await other.stop();
    closing.pop();
    await anotherServer();
    await ended(w, intent);
    expect(Date.now() - began).toBeLessThan(4_500);
    const [release] = await rows('select attempt from releases where release_intent_id = $1', intent);
    expect(release.attempt).toBe(2);
  });

  test('a lost signal is made up for by the sweep', async () => {
    const w = await world(app);
    const target = await receiver(answer(200));
    const { environment } = await webhookEnvironment(w, target);
    await w.approvalPolicy(1, environment);
    const intent = await released(w, environment);
    // The gate opens in a process that dies before it signals: only the database knows.
    await rows(`delete from policies where target_environment = $1`, environment);
    await rows(`update release_intents set wanted_generation = wanted_generation + 1 where id = $1`, intent);
    await anotherServer(0.1);
    await ended(w, intent);
    expect(target.received).toHaveLength(1);
  });

  test('two servers deliver each release once', async () => {
    const w = await world(app);
    const target = await receiver(answer(200));
    const places = await Promise.all([1, 2, 3, 4].map(() => webhookEnvironment(w, target)));
    await anotherServer(0.05);
    await anotherServer(0.05);
    // Half of them of one artifact, so that their ends wake each other.
    const { artifactId } = await w.artifact();
    const intents = await Promise.all(
      [...places, ...places, ...places, ...places].map(({ environment }, n) =>
        n % 2 === 0 ? w.release(artifactId, [environment]) : released(w, environment),
      ),
    );
    for (const intent of intents) await ended(w, intent);
    const ids = target.received.map((got) => got.headers['webhook-id']);
    expect(ids).toHaveLength(intents.length);
    expect(new Set(ids).size).toBe(intents.length);
  });
});
