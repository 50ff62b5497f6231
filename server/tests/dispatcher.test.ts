import { afterAll, afterEach, describe, expect, test } from 'vitest';
import { timeOut } from '#server/features/deliveries/service.ts';
import {
  PipelineRunStageStatus,
  ReleaseIntentStatus,
  ReleaseService,
  ReleaseStatus,
} from '#server/gen/forest/v1/releases_pb.ts';
import { deliveredTo, deliveryWorld, receivedBy, report } from './delivery-world.ts';
import { planStage, stageWaits, stepBecomes, voteOn } from './gate-world.ts';
import { eventually, startTestApp } from './harness.ts';
import { expectRefusal } from './refusal.ts';
import { type Answer, answer, hang } from './webhook-receiver.ts';
import { actingBy, ended, stateOf, type World, world } from './world.ts';

const { AWAITING_APPROVAL } = PipelineRunStageStatus;
const NOBODY = '01890000-0000-7000-8000-000000000000';

const app = await startTestApp();
afterAll(() => app.stop());

const { anotherServer, called, environmentWith, receiver, running, webhookEnvironment, close } =
  deliveryWorld(app);
afterEach(close);

const rows = async (sql: string, ...values: unknown[]) => (await app.context.db.pool.query(sql, values)).rows;

/** The number of deliveries that a server has ended, by any outcome. */
async function endedDeliveries(outcome = '[a-z_]+'): Promise<number> {
  const counts = (await app.context.metrics.text()).matchAll(
    new RegExp(`^forage_deliveries_total{outcome="${outcome}"} (\\d+)$`, 'gm'),
  );
  return [...counts].reduce((sum, [, count]) => sum + Number(count), 0);
}

const statusOfStep = async (w: World, intentId: string) => (await stateOf(w, intentId)).steps[0]?.status;

describe('a delivery', () => {
  test('to no-op destinations succeeds at each one, with its log and history', async () => {
    const w = await world(app);
    const intent = await w.releaseNew(['production']);
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

  test('in plan mode stores the plan', async () => {
    const [w, target] = [await world(app), await receiver(answer(200, 'add 3\nchange 1'))];
    const environment = await webhookEnvironment(w, target, { plans: 'true' });
    await w.pipeline('planned', planStage('look', environment));
    const releaseIntentId = await w.releaseNew({ usePipeline: true });
    await stageWaits(w, releaseIntentId, AWAITING_APPROVAL, environment);
    const plan = await w.reviewer.releases.getPlanOutput({ releaseIntentId, stageId: 'look' });
    expect(plan.outputs[0]?.planOutput).toBe('add 3\nchange 1');
    expect(target.received[0]?.event).toMatchObject({ type: 'plan.requested', mode: 'plan' });
  });

  test('is aborted when the release is cancelled', async () => {
    let closed = false;
    const { w, intent } = await called((response) => response.on('close', () => (closed = true)));
    await w.author.releases.cancelRelease({ releaseIntentId: intent });
    await eventually(async () => closed, 'the request to be aborted');
    expect(await statusOfStep(w, intent)).toBe('CANCELLED');
  });
});

describe('a reported delivery', () => {
  test('runs until it is reported, without a lease, and takes one outcome', async () => {
    const { w, target, intent } = await running();
    const lease = 'select lease_owner, lease_until from releases where release_intent_id = $1';
    const held = async () => Object.values((await rows(lease, intent))[0]);
    await eventually(async () => (await held()).every((field) => field === null), 'the lease to end');
    const progress = await report(target, 'RUNNING', { log_lines: ['half', 'way'] });
    expect(progress.status).toBe(200);
    expect(await statusOfStep(w, intent)).toBe('RUNNING');
    expect((await report(target, 'SUCCEEDED', { log_lines: ['done'] })).status).toBe(200);
    await ended(w, intent);
    expect((await report(target, 'SUCCEEDED')).status).toBe(200);
    const late = await report(target, 'FAILED', { error_message: 'oh' });
    expect(late.body).toMatchObject({ code: 'failed_precondition' });
    expect(late.body.message).toContain('SUCCEEDED');
    const logs = await rows(
      `select l.line from release_logs l join releases r on r.id = l.release_id
        where r.release_intent_id = $1 and l.line in ('half', 'way', 'done') order by l.id`,
      intent,
    );
    expect(logs.map((row) => row.line)).toEqual(['half', 'way', 'done']);
  });

  test('has a log that is read in parts, without control sequences, until it is complete', async () => {
    const { w, target, environment, intent } = await running();
    const releaseId = (await stateOf(w, intent)).steps[0]?.releaseId ?? '';
    const read = (afterSequence = 0n) =>
      w.reviewer.releases.getReleaseLogs({ releaseId, afterSequence, pageSize: 2 });
    await report(target, 'RUNNING', { log_lines: ['one', '\u001b[31mtwo\u001b[0m\r', '<b>three</b>'] });
    const lines: string[] = [];
    let part = await read();
    for (; part.lines.length > 0; part = await read(part.lastSequence)) {
      expect(part.complete).toBe(false);
      lines.push(...part.lines.map(({ line }) => line));
    }
    expect(lines.slice(-3)).toEqual(['one', 'two', '<b>three</b>']);
    await report(target, 'FAILED', { error_message: 'disk full', log_lines: ['last'] });
    const last = await read(part.lastSequence);
    expect(last).toMatchObject({ complete: true, lines: [{ line: 'last', destination: environment }] });
    const nothing = { lines: [], complete: true, lastSequence: last.lastSequence };
    expect(await read(last.lastSequence)).toMatchObject(nothing);
    expect(await read(2n ** 63n - 1n)).toMatchObject({ lines: [], complete: true });
  });

  test('has a log that is not complete while its destination may still be at work', async () => {
    const { w, target, intent } = await running();
    const releaseId = (await stateOf(w, intent)).steps[0]?.releaseId ?? '';
    await w.author.releases.cancelRelease({ releaseIntentId: intent });
    const { complete, lastSequence: afterSequence } = await w.reviewer.releases.getReleaseLogs({ releaseId });
    expect(complete).toBe(false);
    await report(target, 'FAILED', { error_message: 'stopped', log_lines: ['stopped half way'] });
    const rest = await w.reviewer.releases.getReleaseLogs({ releaseId, afterSequence });
    expect(rest).toMatchObject({ complete: true, lines: [{ line: 'stopped half way' }] });
  });

  test('keeps 10,000 of 100,000 log lines, and says so in the last one', async () => {
    const { w, target, intent } = await running();
    const releaseId = (await stateOf(w, intent)).steps[0]?.releaseId ?? '';
    const sent = Array.from({ length: 25 }, () => 'line\n'.repeat(799));
    expect(5 * sent.join('\n').split('\n').length).toBe(100_000);
    for (let i = 0; i < 5; i++) await report(target, 'RUNNING', { log_lines: sent });
    await report(target, 'SUCCEEDED');
    const kept: string[] = [];
    for (let afterSequence = 0n, complete = false; !complete; ) {
      const part = await w.reviewer.releases.getReleaseLogs({ releaseId, afterSequence, pageSize: 500 });
      kept.push(...part.lines.map(({ line }) => line));
      ({ lastSequence: afterSequence, complete } = part);
    }
    expect(kept).toHaveLength(10_000);
    expect(kept.at(-1)).toBe('log truncated after 10000 lines');
  });

  test('that failed has the reported error', async () => {
    const { w, target, intent } = await running();
    const words = `disk full: ${'x'.repeat(3_980)}`;
    const before = await endedDeliveries('failed');
    await report(target, 'FAILED', { error_message: words });
    expect(await endedDeliveries('failed')).toBe(before + 1);
    const state = await ended(w, intent, ReleaseIntentStatus.FAILED);
    expect(state.steps[0]).toMatchObject({ status: 'FAILED', errorMessage: words });
  });

  test('rejects reports without its own token', async () => {
    const { w, target, intent } = await running();
    const other = await running();
    const codeWith = async (token: string) => (await report(target, 'SUCCEEDED', {}, { token })).body.code;
    expect(await codeWith('guess')).toBe('unauthenticated');
    expect(await codeWith(w.admin.token)).toBe('unauthenticated');
    expect(await codeWith(String(other.target.received[0]?.event.report_token))).toBe('not_found');
    const { reportRelease } = app.client(ReleaseService, {});
    await expectRefusal(
      'Unauthenticated',
      reportRelease({ releaseId: NOBODY, status: ReleaseStatus.SUCCEEDED }),
    );
    expect((await report(target, 'QUEUED')).body.code).toBe('invalid_argument');
    expect(await statusOfStep(w, intent)).toBe('RUNNING');
    expect(await statusOfStep(other.w, other.intent)).toBe('RUNNING');
  });

  test('times out without a report, between sweeps', async () => {
    const w = await world(app);
    const environment = await webhookEnvironment(w, await receiver(answer(202)), { timeout_seconds: '1' });
    const state = await ended(w, await w.releaseNew([environment]), ReleaseIntentStatus.FAILED);
    expect(state.steps[0]).toMatchObject({
      status: 'TIMED_OUT',
      errorMessage: 'the destination did not report the outcome in time',
    });
  });
});

describe('a destination', () => {
  test('takes one release at a time, oldest first', async () => {
    const { w, target, environment, intent: first } = await running();
    const second = await w.releaseNew([environment]);
    const third = await w.releaseNew([environment]);
    await stepBecomes(w, third, 'QUEUED');
    const [queued] = (await stateOf(w, second)).steps;
    expect(queued?.status).toBe('QUEUED');
    expect(queued?.waitsFor).toMatch(/^this destination is busy: \S+ is being deployed$/);
    const [last] = (await stateOf(w, third)).steps;
    expect(last?.waitsFor).toMatch(/is being deployed; 1 delivery to this destination is ahead$/);
    expect(target.received).toHaveLength(1);
    const { destinations } = await w.author.releases.getDestinationStates({ organisation: w.organisation });
    const shown = destinations.filter((d) => d.destinationName === environment);
    expect(shown.map((d) => [d.status, d.queuePosition])).toEqual([
      ['RUNNING', undefined],
      ['QUEUED', 1],
      ['QUEUED', 2],
    ]);

    await report(target, 'SUCCEEDED');
    await receivedBy(target, 2);
    await stepBecomes(w, second, 'RUNNING');
    expect(await statusOfStep(w, third)).toBe('QUEUED');
    await report(target, 'FAILED');
    await receivedBy(target, 3);
    expect(target.received.map((got) => got.event.release_intent_id)).toEqual([first, second, third]);
  });

  test('starts no release whose gate has closed while it was queued', async () => {
    const { w, target, environment } = await running();
    const second = await w.releaseNew([environment]);
    await eventually(async () => (await stateOf(w, second)).steps.length === 1, 'the second to be queued');
    // Written directly: without a wake-up, only the start itself can notice.
    await rows(
      `insert into policies (id, project_id, name, type, target_environment, config, created_at, updated_at)
       select gen_random_uuid(), id, 'late', 'approval', $2, jsonb_build_object('type', 'approval',
         'targetEnvironment', $2::text, 'requiredApprovals', 1), now(), now()
         from projects where organisation_id = $1`,
      w.organisationId,
      environment,
    );
    await report(target, 'SUCCEEDED');
    await stageWaits(w, second, AWAITING_APPROVAL, environment);
    expect(target.received).toHaveLength(1);

    // A held release does not block the queue: the third one, with its own vote, overtakes it.
    const third = await w.releaseNew([environment]);
    await w.reviewer.policies.approveRelease(voteOn(w, third, environment));
    await deliveredTo(target, third);
    await w.reviewer.policies.approveRelease(voteOn(w, second, environment));
    await report(target, 'SUCCEEDED');
    await deliveredTo(target, second);
    expect(target.received).toHaveLength(3);
  });
});

describe('after a crash', () => {
  /** The state after a server crash: an expired lease. */
  const abandon = (intent: string, extra = '') =>
    rows(
      `update releases set lease_owner = gen_random_uuid(), lease_until = now() - interval '1 second'${extra}
        where release_intent_id = $1`,
      intent,
    );

  test('a started delivery is resumed under the same id; the first attempt stores nothing, but its token can report', async () => {
    const answers: ((status: number) => void)[] = [];
    const later: Answer = (response) => answers.push((status) => response.writeHead(status).end());
    const { w, target, intent } = await called(later);
    const before = await endedDeliveries();
    await abandon(intent);
    await anotherServer();
    await receivedBy(target, 2);
    const [first, second] = target.received;
    expect(second?.headers['webhook-id']).toBe(first?.headers['webhook-id']);
    expect(second?.event.report_token).not.toBe(first?.event.report_token);

    // This answer would fail the release if the first server still owned it.
    answers[0]?.(404);
    await eventually(async () => (await endedDeliveries()) > before, 'the first delivery to end');
    expect(await statusOfStep(w, intent)).toBe('RUNNING');
    // Receivers that drop duplicates report with the token of the first attempt.
    const token = String(first?.event.report_token);
    expect((await report(target, 'SUCCEEDED', {}, { token })).status).toBe(200);
    const state = await ended(w, intent);
    expect(state.steps[0]).toMatchObject({ status: 'SUCCEEDED', attempt: 2 });
  });

  test('an expired lease is taken over between sweeps', async () => {
    const { w, intent } = await called(hang, answer(200));
    await rows(
      `update releases set lease_owner = gen_random_uuid(), lease_until = clock_timestamp() + interval '1 second'
        where release_intent_id = $1`,
      intent,
    );
    // It reads the lease at its start, while it is valid, and sweeps once a minute.
    await anotherServer();
    const state = await ended(w, intent);
    expect(state.steps[0]).toMatchObject({ status: 'SUCCEEDED', attempt: 2 });
  });

  test('a delivery that had not started passes the gate again', async () => {
    const { w, target, environment, intent } = await running();
    await abandon(intent, `, status = 'ASSIGNED', started_at = null`);
    await w.approvalPolicy(1, environment);
    await anotherServer();
    await stageWaits(w, intent, AWAITING_APPROVAL, environment);
    expect(await statusOfStep(w, intent)).toBe('QUEUED');
    expect(target.received).toHaveLength(1);
    await w.reviewer.policies.approveRelease(voteOn(w, intent, environment));
    await receivedBy(target, 2);
  });

  test('the deadline of an earlier attempt does not end a later one', async () => {
    const { w, intent } = await running();
    const [{ id }] = await rows('select id from releases where release_intent_id = $1', intent);
    // The stored deadline has not passed; the one of the earlier attempt has.
    expect(await timeOut(app.context, id)).toBe(false);
    expect(await statusOfStep(w, intent)).toBe('RUNNING');
    await rows(`update releases set deadline_at = now() - interval '1 second' where id = $1`, id);
    expect(await timeOut(app.context, id)).toBe(true);
    await ended(w, intent, ReleaseIntentStatus.FAILED);
  });

  test('a no-op continues from its first start', async () => {
    const w = await world(app);
    const environment = await environmentWith(w, 'noop', { seconds: '60' });
    const other = await anotherServer();
    const { artifactId } = await w.artifact();
    const there = { ...w.author, ...actingBy(other, w.author.token) };
    const intent = await w.release(artifactId, [environment], there);
    await stepBecomes(w, intent, 'RUNNING');
    await other.stop();
    await rows(
      `update releases set started_at = now() - interval '60 seconds' where release_intent_id = $1`,
      intent,
    );
    await anotherServer();
    const state = await ended(w, intent);
    expect(state.steps[0]).toMatchObject({ attempt: 2 });
  });

  test('two servers deliver each release once', async () => {
    const w = await world(app);
    const target = await receiver(answer(200));
    const places = await Promise.all([1, 2, 3, 4].map(() => webhookEnvironment(w, target)));
    await anotherServer(0.05);
    await anotherServer(0.05);
    // In each round half of them are of one artifact, so that each one's end wakes the others.
    const rounds = await Promise.all([0, 1, 2, 3].map(() => w.artifact()));
    const intents = await Promise.all(
      [...places, ...places, ...places, ...places].map((environment, n) =>
        n % 2 === 0
          ? w.release(rounds[Math.floor(n / places.length)]?.artifactId ?? '', [environment])
          : w.releaseNew([environment]),
      ),
    );
    for (const intent of intents) await ended(w, intent);
    const ids = target.received.map((got) => got.headers['webhook-id']);
    expect(ids).toHaveLength(intents.length);
    expect(new Set(ids).size).toBe(intents.length);
  });
});
