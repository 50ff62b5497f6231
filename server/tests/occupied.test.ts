import { afterAll, afterEach, describe, expect, test } from 'vitest';
import { claimNext } from '#server/features/deliveries/service.ts';
import {
  PipelineRunStageStatus,
  ReleaseIntentStatus,
  ReleaseStatus,
} from '#server/gen/forest/v1/releases_pb.ts';
import { deliveredTo, deliveryWorld, placeOf, receivedBy, report } from './delivery-world.ts';
import { stageWaits, stepBecomes, voteOn } from './gate-world.ts';
import { eventually, startTestApp } from './harness.ts';
import { answer } from './webhook-receiver.ts';
import { ended, stateOf, type World, world } from './world.ts';

const SERVER = '01890000-0000-7000-8000-000000000000';

const app = await startTestApp();
afterAll(() => app.stop());
const { anotherServer, called, close, receiver, running, webhookEnvironment, webhookTo } = deliveryWorld(app);
afterEach(close);

const rows = async (sql: string, ...values: unknown[]) => (await app.context.db.pool.query(sql, values)).rows;

const setGracePeriod = (environment: string, seconds: number) =>
  rows('update destinations set grace_period_seconds = $2 where name = $1', environment, seconds);

/** Whether a server would find the destination taken by a delivery that has ended, and for how long from that end, in seconds. */
async function occupied(environment: string): Promise<number | null> {
  const [destination] = await rows('select id from destinations where name = $1', environment);
  const next = await claimNext(app.context, SERVER, destination.id, 1);
  if (next === null || !('occupiedUntil' in next)) return null;
  const [release] = await rows('select completed_at as at from releases where id = $1', next.releaseId);
  return (next.occupiedUntil.getTime() - release.at.getTime()) / 1000;
}

const stepOf = async (w: World, intent: string) => (await stateOf(w, intent)).steps[0];

/** A delivery that was cancelled while it ran, with another release in the destination's queue. */
async function cancelled(gracePeriod?: number) {
  const place = await running();
  const { w, environment, intent } = place;
  if (gracePeriod !== undefined) await setGracePeriod(environment, gracePeriod);
  const next = await w.artifact();
  const waiting = await w.release(next.artifactId, [environment]);
  await stepBecomes(w, waiting, 'QUEUED');
  await w.author.releases.cancelRelease({ releaseIntentId: intent });
  return { ...place, next: next.artifactId, waiting };
}

describe('a delivery that is cancelled while it runs', () => {
  test('ends at once and occupies its destination until the receiver reports, which decides what is live', async () => {
    const { w, target, environment, intent, artifactId, next, waiting } = await cancelled();
    expect((await stateOf(w, intent)).status).toBe(ReleaseIntentStatus.CANCELLED);
    expect(await stepOf(w, intent)).toMatchObject({ status: 'CANCELLED', cancelling: true, run: 1 });
    expect(await occupied(environment)).toBe(300);
    expect(await stepOf(w, waiting)).toMatchObject({
      status: 'QUEUED',
      cancelling: false,
      waitsFor: expect.stringMatching(
        /^this destination is busy: \S+ was cancelled and may be at work until \d\d:\d\d UTC$/,
      ),
    });
    expect(await placeOf(app, w, environment)).toEqual({
      live: null,
      doubt: null,
      uncertain: ['CANCELLED false'],
    });

    expect((await report(target, 'SUCCEEDED', { log_lines: ['too late'] })).status).toBe(200);
    await receivedBy(target, 2);
    const late = await stepOf(w, intent);
    expect(late).toMatchObject({
      status: 'CANCELLED',
      cancelling: false,
      lateStatus: ReleaseStatus.SUCCEEDED,
      lateReportedAt: expect.stringMatching(/Z$/),
    });
    expect((await stateOf(w, intent)).status).toBe(ReleaseIntentStatus.CANCELLED);
    expect((await placeOf(app, w, environment)).live).toBe(artifactId);
    const [entry] = await rows(
      `select after, credential_kind from history where release_intent_id = $1 and kind = 'deployment.reported_late'`,
      intent,
    );
    expect(entry).toMatchObject({
      after: { status: 'SUCCEEDED', destination: environment },
      credential_kind: 'report',
    });

    await report(target, 'SUCCEEDED');
    await ended(w, waiting);
    expect(await placeOf(app, w, environment)).toEqual({ live: next, doubt: null, uncertain: [] });
  });

  test('lets the next one start when the grace period of the destination ends', async () => {
    const { w, target, environment, intent, waiting } = await cancelled(1);
    await receivedBy(target, 2);
    await stepBecomes(w, waiting, 'RUNNING');
    expect(await stepOf(w, intent)).toMatchObject({ status: 'CANCELLED', cancelling: false });
    expect(await occupied(environment)).toBeNull();
  });

  test('occupies nothing with a grace period of 0', async () => {
    const { target, environment } = await cancelled(0);
    await receivedBy(target, 2);
    expect(await occupied(environment)).toBeNull();
  });

  test('frees its destination by the sweep of another server, if its own has stopped', async () => {
    const { w, target, intent } = await cancelled();
    expect(target.received).toHaveLength(1);
    await rows(`update releases set occupied_until = now() where release_intent_id = $1`, intent);
    await anotherServer();
    await receivedBy(target, 2);
    expect(await stepOf(w, intent)).toMatchObject({ cancelling: false });
  });

  test('keeps the database from starting another one, whatever a server believes', async () => {
    const { waiting } = await cancelled();
    const start = rows(
      `update releases set status = 'ASSIGNED' from (select set_config('forage.gate_rules', '99', true)) rules
        where release_intent_id = $1`,
      waiting,
    );
    await expect(start).rejects.toThrow('releases_one_running');
  });
});

test('a receiver that asks for cancel messages gets one, after a cancellation of what was sent to it', async () => {
  const { w } = await called(answer(200));
  const target = await receiver(answer(202));
  const environment = await webhookEnvironment(w, target, { cancel_messages: 'true' });
  const intent = await w.releaseNew([environment]);
  await deliveredTo(target, intent);
  const queued = await w.releaseNew([environment]);
  await stepBecomes(w, queued, 'QUEUED');
  await w.author.releases.cancelRelease({ releaseIntentId: queued });
  await w.author.releases.cancelRelease({ releaseIntentId: intent });
  await receivedBy(target, 2);
  expect(target.received[1]?.event).toMatchObject({ type: 'release.cancelled', release_intent_id: intent });
  // The message is no answer: the destination is still occupied.
  expect(await occupied(environment)).toBe(300);
});

describe('a destination stays free', () => {
  test('after a release was cancelled in the queue, or before its delivery was sent', async () => {
    const { w, target, environment } = await running();
    const queued = await w.releaseNew([environment]);
    await stepBecomes(w, queued, 'QUEUED');
    await w.author.releases.cancelRelease({ releaseIntentId: queued });
    await report(target, 'SUCCEEDED');
    const assigned = await w.releaseNew([environment]);
    const accepted = 'select from releases where release_intent_id = $1 and lease_until is null';
    await stepBecomes(w, assigned, 'RUNNING');
    await eventually(
      async () => (await rows(accepted, assigned)).length === 1,
      'the delivery to be accepted',
    );
    await rows(
      `update releases set status = 'ASSIGNED', started_at = null where release_intent_id = $1`,
      assigned,
    );
    await w.author.releases.cancelRelease({ releaseIntentId: assigned });
    expect(await occupied(environment)).toBeNull();
  });
});

describe('a delivery that times out', () => {
  test('occupies its destination for 60 seconds', async () => {
    const { w } = await called(answer(202));
    const target = await receiver(answer(202));
    const environment = await webhookEnvironment(w, target, { timeout_seconds: '1' });
    const intent = await w.releaseNew([environment]);
    await ended(w, intent, ReleaseIntentStatus.FAILED);
    expect(await stepOf(w, intent)).toMatchObject({ status: 'TIMED_OUT', cancelling: true });
    expect(await occupied(environment)).toBe(60);
    expect((await placeOf(app, w, environment)).uncertain).toEqual(['TIMED_OUT false']);
  });
});

describe('a late report', () => {
  const late = async (outcome: string, made: Awaited<ReturnType<typeof cancelled>>, request = 0) =>
    (await report(made.target, outcome, {}, { request })).body.code;

  test('is accepted once; the same again changes nothing, another one is refused', async () => {
    const made = await cancelled();
    expect(await late('RUNNING', made)).toBe('failed_precondition');
    expect(await late('FAILED', made)).toBeUndefined();
    expect(await late('FAILED', made)).toBeUndefined();
    expect(await late('SUCCEEDED', made)).toBe('failed_precondition');
    expect(await stepOf(made.w, made.intent)).toMatchObject({ lateStatus: ReleaseStatus.FAILED });
    const kept = await rows(
      `select 1 from history where release_intent_id = $1 and kind = 'deployment.reported_late'`,
      made.intent,
    );
    expect(kept).toHaveLength(1);
  });

  test('that the delivery failed leaves the earlier build live, with certainty', async () => {
    const first = await running();
    const { w, target, environment } = first;
    await report(target, 'SUCCEEDED');
    await ended(w, first.intent);
    const intent = await w.releaseNew([environment]);
    await deliveredTo(target, intent);
    await w.author.releases.cancelRelease({ releaseIntentId: intent });
    expect((await placeOf(app, w, environment)).uncertain).toEqual(['CANCELLED false']);
    await report(target, 'FAILED');
    expect(await placeOf(app, w, environment)).toEqual({
      live: first.artifactId,
      doubt: null,
      uncertain: [],
    });
  });

  test.each([
    ['23 hours', undefined],
    ['24 hours', 'failed_precondition'],
  ])('%s after the end is answered with %s', async (age, code) => {
    const made = await cancelled();
    await rows(
      `update delivery_runs u set ended_at = now() - $2::interval from releases r
        where r.id = u.release_id and r.release_intent_id = $1`,
      made.intent,
      age,
    );
    expect(await late('SUCCEEDED', made)).toBe(code);
  });

  test.each([
    ['SUCCEEDED', 'artifactId', / succeeded while another delivery ran$/],
    ['FAILED', 'next', / failed while another delivery ran$/],
  ] as const)('%s makes the place uncertain after another delivery', async (outcome, live, doubt) => {
    const made = await cancelled(0);
    const { w, target, environment, waiting } = made;
    await receivedBy(target, 2);
    await report(target, 'SUCCEEDED');
    await ended(w, waiting);
    expect(await late(outcome, made)).toBeUndefined();
    expect(await placeOf(app, w, environment)).toMatchObject({
      live: made[live],
      doubt: expect.stringMatching(doubt),
    });
    // The next success clears the doubt.
    const again = await w.artifact();
    const intent = await w.release(again.artifactId, [environment]);
    await deliveredTo(target, intent);
    await report(target, 'SUCCEEDED');
    await ended(w, intent);
    expect(await placeOf(app, w, environment)).toEqual({
      live: again.artifactId,
      doubt: null,
      uncertain: [],
    });
  });

  test('that a newer build of another branch was deployed ends earlier approvals, also when another build is live', async () => {
    const { w, target, environment } = await webhookTo(answer(202));
    await w.approvalPolicy(2, environment);
    await setGracePeriod(environment, 0);
    const again = await w.artifact('main', '1'.repeat(40));
    const older = await w.artifact('main', '2'.repeat(40));
    const hotfix = await w.artifact('release/1.9', '3'.repeat(40));
    const waits = async (artifactId: string) => {
      const intent = await w.release(artifactId, [environment]);
      await stageWaits(w, intent, PipelineRunStageStatus.AWAITING_APPROVAL, environment);
      return intent;
    };
    const approve = (intent: string, by = w.reviewer) =>
      by.policies.approveRelease(voteOn(w, intent, environment));
    const delivered = async (artifactId: string) => {
      const intent = await waits(artifactId);
      await approve(intent);
      await approve(intent, w.reviewerTwo);
      await deliveredTo(target, intent);
      return intent;
    };
    const waiting = await waits(older.artifactId);
    await w.author.releases.cancelRelease({ releaseIntentId: await delivered(hotfix.artifactId) });
    const next = await delivered(again.artifactId);
    expect((await approve(waiting)).state?.currentApprovals).toBe(1);
    expect((await report(target, 'SUCCEEDED', {}, { request: 0 })).status).toBe(200);
    await report(target, 'SUCCEEDED');
    await ended(w, next);
    expect(await placeOf(app, w, environment)).toEqual({
      live: again.artifactId,
      doubt: null,
      uncertain: [],
    });
    const { environments } = await w.author.policies.getReleaseRequirements({
      project: w.project,
      releaseIntentId: waiting,
    });
    const state = environments[0]?.evaluations[0]?.approvalState;
    expect(state?.currentApprovals).toBe(0);
    expect(state?.decisions[0]?.notCountedReason).toBe(
      `given before ${hotfix.slug} of another branch, release/1.9, went live`,
    );
  });

  test('is accepted after the receiver did not answer, but not after it rejected the release itself', async () => {
    const w = await world(app);
    const silent = await receiver((response) => response.destroy());
    const environment = await webhookEnvironment(w, silent, { timeout_seconds: '1' });
    const intent = await w.releaseNew([environment]);
    await ended(w, intent, ReleaseIntentStatus.FAILED);
    expect((await report(silent, 'SUCCEEDED')).status).toBe(200);
    expect(await stepOf(w, intent)).toMatchObject({
      status: 'FAILED',
      lateStatus: ReleaseStatus.SUCCEEDED,
    });
    const rejected = await called(answer(422));
    await ended(rejected.w, rejected.intent, ReleaseIntentStatus.FAILED);
    expect((await placeOf(app, rejected.w, rejected.environment)).uncertain).toEqual(['FAILED true']);
    expect((await report(rejected.target, 'SUCCEEDED')).body.code).toBe('failed_precondition');
  });
});
