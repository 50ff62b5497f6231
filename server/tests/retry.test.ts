import { afterAll, afterEach, expect, test } from 'vitest';
import { timeOut } from '#server/features/deliveries/service.ts';
import { ReleaseIntentStatus } from '#server/gen/forest/v1/releases_pb.ts';
import { deliveryWorld, placeOf, receivedBy, report } from './delivery-world.ts';
import { deployStage, stageWaits, stepBecomes, voteOn } from './gate-world.ts';
import { startTestApp } from './harness.ts';
import { expectRefusal } from './refusal.ts';
import { answer } from './webhook-receiver.ts';
import { ended, type Person, stateOf, type World } from './world.ts';

const app = await startTestApp();
afterAll(() => app.stop());
const { close, running, webhookTo } = deliveryWorld(app);
afterEach(close);

const retry = (by: Person, releaseIntentId: string, stageId: string) =>
  by.releases.retryStage({ releaseIntentId, stageId });

/** A release by a pipeline that failed at one of two destinations, with its vote and a stage behind it. */
async function failed() {
  const { w, target, environment } = await webhookTo(answer(422), answer(200));
  await w.destination('good', environment);
  await w.approvalPolicy(1, environment);
  await w.pipeline('both', deployStage('first', environment), deployStage('then', 'staging', 'first'));
  const { artifactId } = await w.artifact();
  const intent = await w.release(artifactId, { usePipeline: true });
  await stageWaits(w, intent, undefined, environment);
  await w.reviewer.policies.approveRelease(voteOn(w, intent, environment));
  const state = await ended(w, intent, ReleaseIntentStatus.FAILED);
  expect(state.stages.map(({ errorMessage = '' }) => errorMessage)[1]).toBe('upstream stage failed');
  return { w, target, environment, artifactId, intent };
}

const stepsOf = async (w: World, intent: string) =>
  (await stateOf(w, intent)).steps.map(({ destinationName, status, run }) => [destinationName, status, run]);

test('delivers again where it failed, with the votes that there are, and goes on behind it', async () => {
  const { w, target, environment, intent } = await failed();
  const permission = async (by: Person) => {
    const asked = { project: w.project, releaseIntentId: intent };
    const { environments } = await by.policies.getReleaseRequirements(asked);
    return environments.find((one) => one.environment === environment)?.canRetry;
  };
  expect(await permission(w.author)).toMatchObject({ allowed: true, reason: '' });
  expect(await permission(w.reviewer)).toMatchObject({
    allowed: false,
    reason: expect.stringContaining('author'),
  });
  await expectRefusal('PermissionDenied', retry(w.reviewer, intent, 'first'));
  await expectRefusal('FailedPrecondition', retry(w.author, intent, 'then'));
  await expectRefusal('NotFound', retry(w.author, intent, 'no-such-stage'));
  await retry(w.author, intent, 'first');
  await ended(w, intent);
  expect((await stepsOf(w, intent)).sort()).toEqual([
    ['eu', 'SUCCEEDED', 1],
    ['good', 'SUCCEEDED', 1],
    [environment, 'SUCCEEDED', 2],
  ]);
  const [first, second] = target.received;
  expect(second?.headers['webhook-id']).toBe(`${first?.headers['webhook-id']}.2`);
  expect(second?.event).toMatchObject({ release_id: first?.event.release_id, run: 2 });
  await expectRefusal('FailedPrecondition', retry(w.author, intent, 'first'));
});

test('waits at a gate that has closed since', async () => {
  const { w, target, environment, intent } = await failed();
  await w.approvalPolicy(2, environment);
  await retry(w.admin, intent, 'first');
  await stageWaits(w, intent, undefined, environment);
  expect(target.received).toHaveLength(1);
  await w.reviewerTwo.policies.approveRelease(voteOn(w, intent, environment));
  await ended(w, intent);
});

test('is refused after 24 hours, and beside another active release of the build', async () => {
  const { w, environment, artifactId, intent } = await failed();
  const other = await w.release(artifactId, { usePipeline: true });
  const refused = retry(w.author, intent, 'first');
  await expectRefusal('AlreadyExists', refused);
  await expect(refused).rejects.toThrow(other);
  await w.author.releases.cancelRelease({ releaseIntentId: other });
  await app.context.db.pool.query(
    `update stages set completed_at = completed_at - interval '24 hours' where release_intent_id = $1`,
    [intent],
  );
  await expectRefusal('FailedPrecondition', retry(w.author, intent, 'first'));
  expect((await stepsOf(w, intent)).find(([name]) => name === environment)).toEqual([
    environment,
    'FAILED',
    1,
  ]);
});

test('waits until the receiver of the run before is at work no more, and tells the reports of both runs apart', async () => {
  const { w, target, environment, intent, artifactId } = await running();
  await app.context.db.pool.query(
    `update releases set deadline_at = now() - interval '1 minute' where release_intent_id = $1`,
    [intent],
  );
  const [step] = (await stateOf(w, intent)).steps;
  await timeOut(app.context, step?.releaseId ?? '');
  await ended(w, intent, ReleaseIntentStatus.FAILED);
  await retry(w.author, intent, environment);
  expect(await stepBecomes(w, intent, 'QUEUED')).toMatchObject({ run: 2, cancelling: false });
  expect(target.received).toHaveLength(1);
  await report(target, 'FAILED');
  await receivedBy(target, 2);
  await stepBecomes(w, intent, 'RUNNING');
  // The token of the first run says nothing of the second.
  expect((await report(target, 'SUCCEEDED', {}, { request: 0 })).body.code).toBe('failed_precondition');
  await report(target, 'SUCCEEDED');
  await ended(w, intent);
  expect(await placeOf(app, w, environment)).toEqual({ live: artifactId, doubt: null, uncertain: [] });
});
