import { afterAll, describe, expect, test } from 'vitest';
import { DestinationService } from '#server/gen/forest/v1/destinations_pb.ts';
import { PipelineRunStageStatus, ReleaseIntentStatus } from '#server/gen/forest/v1/releases_pb.ts';
import { deliveryWorld, receivedBy, report } from './delivery-world.ts';
import { stageWaits, stepBecomes, voteOn } from './gate-world.ts';
import { eventually, startTestApp, type TestApp } from './harness.ts';
import { untilWaiting, whileLocked } from './in-turn.ts';
import { at } from './neighbours.ts';
import { answer, hang, type Receiver } from './webhook-receiver.ts';
import { ended, type Person, stateOf, type World, world } from './world.ts';

// What was approved is what is delivered: votes cover destinations as they were when they were given.

const SECRET = `whsec_${Buffer.alloc(32, 7).toString('base64')}`;
const OTHER_SECRET = `whsec_${Buffer.alloc(32, 8).toString('base64')}`;

const app = await startTestApp({ config: { databasePoolSize: 16 } });
const deliveries = deliveryWorld(app);
afterAll(async () => {
  await deliveries.close();
  await app.stop();
});

/** A release that waits for votes on an environment with one webhook destination of the same name. */
async function waitingRelease(required: number) {
  const w = await world(app);
  const [target, elsewhere] = [
    await deliveries.receiver(answer(200)),
    await deliveries.receiver(answer(200)),
  ];
  const environment = await deliveries.webhookEnvironment(w, target);
  await w.approvalPolicy(required, environment);
  const intent = await w.releaseNew([environment]);
  await stageWaits(w, intent, undefined, environment);
  return { w, target, elsewhere, environment, intent };
}

const changeTo = (
  w: World,
  name: string,
  metadata: Record<string, string>,
  gracePeriodSeconds?: number,
  through: Pick<TestApp, 'client'> = app,
) =>
  through.client(DestinationService, { token: w.admin.token }).updateDestination({
    organisation: w.organisation,
    name,
    metadata,
    ...(gracePeriodSeconds !== undefined && { gracePeriodSeconds }),
  });

const approve = (w: World, by: Person, intent: string, environment: string) =>
  by.policies.approveRelease(voteOn(w, intent, environment));

/** What a member sees of an environment: the decisions, whether they count, and what was done to destinations. */
async function shown(w: World, intent: string, environment: string) {
  const { project } = w;
  const answer = await w.author.policies.getReleaseRequirements({ project, releaseIntentId: intent });
  const found = answer.environments.find((one) => one.environment === environment);
  const state = found?.evaluations.find(({ approvalState }) => approvalState)?.approvalState;
  return {
    current: state?.currentApprovals,
    reasons: state?.decisions.map(({ notCountedReason }) => notCountedReason ?? ''),
    changes: found?.destinationChanges.map(({ sentence }) => sentence),
    found,
  };
}
const listedFor = async (by: Person, intent: string) =>
  (await by.policies.listPendingApprovals({})).approvals.find(
    ({ releaseIntentId }) => releaseIntentId === intent,
  );

describe('an approval', () => {
  test('does not count once the address was changed; somebody has to look again', async () => {
    const { w, target, elsewhere, environment, intent } = await waitingRelease(2);
    await approve(w, w.reviewer, intent, environment);
    await w.admin.policies.rejectRelease(voteOn(w, intent, environment));
    expect(await listedFor(w.reviewer, intent)).toBeUndefined();
    await changeTo(w, environment, { url: elsewhere.url });

    const sentence = `${environment}’s address was changed by ${w.admin.username} since 2 of these votes`;
    const seen = await shown(w, intent, environment);
    expect(seen).toMatchObject({ current: 0, changes: [sentence] });
    expect(seen.reasons).toEqual([`given before ${environment} was changed`, '']);
    expect(seen.found?.destinationChanges).toMatchObject([
      { destination: environment, change: 'changed', by: w.admin.username, at: expect.stringMatching(/Z$/) },
    ]);
    const listed = await listedFor(w.reviewer, intent);
    expect(listed).toMatchObject({ currentApprovals: 0, destinationChanges: [{ sentence }] });

    await approve(w, w.reviewerTwo, intent, environment);
    expect((await stateOf(w, intent)).steps).toEqual([]);
    await approve(w, w.reviewer, intent, environment);
    await ended(w, intent);
    expect([target.received.length, elsewhere.received.length]).toEqual([0, 1]);
  });

  test.each<[string, (w: World, environment: string, url: string) => Promise<unknown>, string]>([
    [
      'a setting was changed',
      (w, name, url) => changeTo(w, name, { url, timeout_seconds: '60' }),
      'settings were changed',
    ],
    [
      'a destination was added',
      (w, environment) => w.destination(`new-${environment}`, environment),
      'was added',
    ],
  ])('does not count once %s', async (_, make, words) => {
    const { w, target, environment, intent } = await waitingRelease(2);
    await approve(w, w.reviewer, intent, environment);
    await make(w, environment, target.url);
    const { current, changes } = await shown(w, intent, environment);
    expect(current).toBe(0);
    expect(changes).toEqual([
      expect.stringContaining(`${words} by ${w.admin.username} since 1 of these votes`),
    ]);
  });

  test.each<[string, (w: World, environment: string, url: string) => Promise<unknown>, readonly string[]]>([
    ['the secret was rotated', (w, name, url) => changeTo(w, name, { url, secret: OTHER_SECRET }), []],
    ['the grace period was changed', (w, name, url) => changeTo(w, name, { url }, 5), []],
    ['another environment was changed', (w) => changeTo(w, 'eu', { seconds: '1' }), []],
    [
      'a destination was removed, which is shown',
      (w, environment) =>
        w.admin.destinations.deleteDestination({ organisation: w.organisation, name: `old-${environment}` }),
      ['was removed'],
    ],
  ])('goes on counting after %s', async (_, make, words) => {
    const { w, target, environment, intent } = await waitingRelease(2);
    await w.destination(`old-${environment}`, environment);
    await approve(w, w.reviewer, intent, environment);
    await make(w, environment, target.url);
    const { current, changes } = await shown(w, intent, environment);
    expect(current).toBe(1);
    expect(changes).toEqual(words.map((word) => expect.stringContaining(word)));
  });

  test('of a release to one destination covers that one only', async () => {
    const w = await world(app);
    await w.approvalPolicy(2);
    const intent = await w.releaseNew({ destinations: ['eu-west'] });
    await approve(w, w.reviewer, intent, 'production');
    await changeTo(w, 'us-east', { seconds: '1' });
    expect(await shown(w, intent, 'production')).toMatchObject({ current: 1, changes: [] });
    await changeTo(w, 'eu-west', { seconds: '1' });
    expect(await shown(w, intent, 'production')).toMatchObject({ current: 0, changes: [expect.any(String)] });
  });
});

test('a bypass does not count either once the address was changed', async () => {
  const { w, elsewhere, environment, intent } = await waitingRelease(1);
  await w.destination('busy', environment, { seconds: '3600' });
  const held = await w.releaseNew({ destinations: ['busy'] }, w.author);
  await approve(w, w.reviewer, held, environment);
  await stepBecomes(w, held, 'RUNNING');
  const bypass = { ...voteOn(w, intent, environment), forceBypass: true, comment: 'urgent' };
  await changeTo(w, environment, { url: elsewhere.url });
  // The delivery to the busy destination stays queued.
  await w.admin.policies.approveRelease(bypass);
  await receivedBy(elsewhere);
  await changeTo(w, 'busy', { seconds: '3599' });
  await stageWaits(w, intent, undefined, environment);
  const { reasons } = await shown(w, intent, environment);
  expect(reasons).toEqual(['given before busy was changed']);
});

test('a delivery that is queued returns to the gate when its destination is changed', async () => {
  const { w, target, elsewhere, environment, intent } = await waitingRelease(1);
  const busy = await deliveries.receiver(answer(202));
  await changeTo(w, environment, { url: busy.url });
  await approve(w, w.reviewer, intent, environment);
  await receivedBy(busy);
  const queued = await w.releaseNew([environment]);
  await approve(w, w.reviewer, queued, environment);
  await stepBecomes(w, queued, 'QUEUED');
  await changeTo(w, environment, { url: elsewhere.url });
  await stageWaits(w, queued, PipelineRunStageStatus.AWAITING_APPROVAL, environment);
  await report(busy, 'SUCCEEDED');
  await ended(w, intent);
  expect([target, elsewhere].map(({ received }) => received.length)).toEqual([0, 0]);
  await approve(w, w.reviewer, queued, environment);
  await ended(w, queued);
  expect(elsewhere.received).toHaveLength(1);
});

test('a delivery is not resumed at another address after a crash', async () => {
  const w = await world(app);
  const [target, elsewhere] = [await deliveries.receiver(hang), await deliveries.receiver(answer(200))];
  const environment = await deliveries.webhookEnvironment(w, target);
  const intent = await w.releaseNew([environment]);
  await receivedBy(target);
  await changeTo(w, environment, { url: elsewhere.url });
  await app.context.db.pool.query(
    `update releases set lease_owner = gen_random_uuid(), lease_until = now() - interval '1 second'
      where release_intent_id = $1`,
    [intent],
  );
  await deliveries.anotherServer(1);
  const { steps } = await ended(w, intent, ReleaseIntentStatus.FAILED);
  expect(steps[0]?.errorMessage).toBe(
    `${environment} was changed since this delivery started; retry the stage`,
  );
  expect(elsewhere.received).toEqual([]);
});

describe('on two servers', () => {
  /** Lets the two wait for the lock on a release, and through in that order. */
  async function inOrder(intent: string, first: () => Promise<unknown>, second: () => Promise<unknown>) {
    const later = Promise.withResolvers<unknown>();
    const lock = 'select 1 from release_intents where id = $1 for no key update';
    await whileLocked(app, [lock, [intent]], first, async () => {
      second().then(later.resolve, later.reject);
      await untilWaiting(app, 2);
    });
    await later.promise;
  }
  const sent = (target: Receiver) => target.received.length;

  test('a change that comes before the last vote is covered by it', async () => {
    const other = await deliveries.anotherServer();
    const { w, target, elsewhere, environment, intent } = await waitingRelease(1);
    await inOrder(
      intent,
      () => changeTo(w, environment, { url: elsewhere.url }, undefined, other),
      () => approve(w, w.reviewer, intent, environment),
    );
    await ended(w, intent);
    expect([sent(target), sent(elsewhere)]).toEqual([0, 1]);
  });

  test('a change that comes after the last vote gets nothing delivered by it', async () => {
    const other = await deliveries.anotherServer();
    const { w, target, elsewhere, environment, intent } = await waitingRelease(1);
    await inOrder(
      intent,
      () => at(other, w.reviewer).policies.approveRelease(voteOn(w, intent, environment)),
      () => changeTo(w, environment, { url: elsewhere.url }),
    );
    // The delivery started before the change, or its gate has closed again.
    await eventually(async () => {
      const { status, stages } = await stateOf(w, intent);
      const waits = stages[0]?.status === PipelineRunStageStatus.AWAITING_APPROVAL;
      return status === ReleaseIntentStatus.SUCCEEDED ? sent(target) === 1 : waits && sent(target) === 0;
    }, 'the delivery to the old address, or the gate to close');
    expect(sent(elsewhere)).toBe(0);
  });

  test('a vote and a destination that is being added do not deadlock', async () => {
    const other = await deliveries.anotherServer();
    const { w, environment, intent } = await waitingRelease(2);
    await inOrder(
      intent,
      () => w.destination(`new-${environment}`, environment),
      () => at(other, w.reviewer).policies.approveRelease(voteOn(w, intent, environment)),
    );
    expect(await shown(w, intent, environment)).toMatchObject({ current: 1, changes: [] });
  });
});

test('a destination’s revision is raised by its address and settings only', async () => {
  const w = await world(app);
  const target = await deliveries.receiver(answer(200));
  const environment = await deliveries.webhookEnvironment(w, target);
  const revision = async () => {
    const { destinations } = await w.author.destinations.getDestinations({ organisation: w.organisation });
    return Number(destinations.find(({ name }) => name === environment)?.revision);
  };
  const { url } = target;
  expect(await revision()).toBe(1);
  await changeTo(w, environment, { url, secret: OTHER_SECRET }, 7);
  expect(await revision()).toBe(1);
  await changeTo(w, environment, { url, secret: SECRET, plans: 'true' });
  expect(await revision()).toBe(2);
  await changeTo(w, environment, { url: `${url}/other`, plans: 'true' });
  expect(await revision()).toBe(3);
});
