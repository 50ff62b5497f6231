import { afterAll, afterEach, describe, expect, test } from 'vitest';
import { countPlaces } from '#server/features/deliveries/place-service.ts';
import { deliveredTo, deliveryWorld, placeOf, receivedBy, report } from './delivery-world.ts';
import { stepBecomes } from './gate-world.ts';
import { startTestApp } from './harness.ts';
import { expectRefusal } from './refusal.ts';
import { answer } from './webhook-receiver.ts';
import { ended, type World, world } from './world.ts';

const app = await startTestApp();
afterAll(() => app.stop());
const { called, close, receiver, running } = deliveryWorld(app);
afterEach(close);

const reason = 'kubectl says so';

const settle = (w: World, destination: string, artifactId?: string, by = w.admin) =>
  by.releases.settleDestination({
    project: w.project,
    destination,
    reason,
    ...(artifactId !== undefined && { artifactId }),
  });
const free = (w: World, destination: string) =>
  w.admin.releases.freeDestination({ organisation: w.organisation, destination, reason });

/** The periods in which builds were live, and whether they have ended. */
async function periodsOf(environment: string) {
  const { rows } = await app.context.db.pool.query(
    `select l.artifact_id as "artifactId", l.ended_at is not null as ended from live_periods l
       join destinations d on d.id = l.destination_id where d.name = $1 order by l.began_moment`,
    [environment],
  );
  return rows;
}

/** A build that is live on a destination, and a newer one whose delivery was cancelled there. */
async function uncertain() {
  const place = await running();
  const { w, target, environment, intent } = place;
  await report(target, 'SUCCEEDED');
  await ended(w, intent);
  const newer = await w.artifact('main', 'b'.repeat(40));
  const cancelled = await w.release(newer.artifactId, [environment]);
  await deliveredTo(target, cancelled);
  await w.author.releases.cancelRelease({ releaseIntentId: cancelled });
  const found = await placeOf(app, w, environment);
  expect(found).toEqual({ live: place.artifactId, doubt: null, uncertain: ['CANCELLED false'] });
  return { ...place, newer: newer.artifactId, cancelled };
}

describe('an admin settles what a destination runs', () => {
  test('a build, whose soak counts from then', async () => {
    const { w, environment, artifactId, newer } = await uncertain();
    await settle(w, environment, newer);
    expect(await placeOf(app, w, environment)).toEqual({ live: newer, doubt: null, uncertain: [] });
    await settle(w, environment, artifactId);
    await settle(w, environment, artifactId);
    expect(await placeOf(app, w, environment)).toEqual({ live: artifactId, doubt: null, uncertain: [] });
    expect((await periodsOf(environment)).map((one) => [one.artifactId, one.ended])).toEqual([
      [artifactId, true],
      [newer, true],
      [artifactId, false],
    ]);
    const { entries } = await w.admin.policies.listHistory({
      organisation: w.organisation,
      kind: 'destination.settled',
    });
    expect(entries).toHaveLength(3);
    expect(entries[0]).toMatchObject({ subject: environment, actorUsername: w.admin.username });
  });

  test('nothing of the project', async () => {
    const { w, environment } = await uncertain();
    await settle(w, environment);
    expect(await placeOf(app, w, environment)).toEqual({ live: null, doubt: null, uncertain: [] });
    expect((await periodsOf(environment)).every(({ ended }) => ended)).toBe(true);
  });

  test('where nothing was ever deployed', async () => {
    const w = await world(app);
    const { artifactId } = await w.artifact();
    await settle(w, 'eu', artifactId);
    expect(await placeOf(app, w, 'staging')).toEqual({ live: artifactId, doubt: null, uncertain: [] });
  });

  test('not while a deployment runs there, and not a build of another project', async () => {
    const { w, environment, artifactId } = await running();
    await expectRefusal('FailedPrecondition', settle(w, environment, artifactId));
    const other = await world(app);
    const { artifactId: foreign } = await other.artifact();
    await expectRefusal('NotFound', settle(w, 'eu', foreign));
    await expectRefusal('NotFound', settle(w, 'no-such-place'));
    await expectRefusal('PermissionDenied', settle(w, 'eu', artifactId, w.author));
    const invisible = w.admin.releases.settleDestination({
      project: w.project,
      destination: 'eu',
      reason: '\u200b',
    });
    await expectRefusal('InvalidArgument', invisible);
  });
});

describe('an admin frees a destination', () => {
  test('so that the next release starts; the place stays uncertain', async () => {
    const before = await countPlaces(app.context.db);
    const { w, target, environment, artifactId } = await uncertain();
    const { uncertain: doubts, occupied } = before;
    expect(await countPlaces(app.context.db)).toMatchObject({
      uncertain: doubts + 1,
      occupied: occupied + 1,
    });
    const next = await w.release((await w.artifact('main', 'c'.repeat(40))).artifactId, [environment]);
    await stepBecomes(w, next, 'QUEUED');
    await free(w, environment);
    await receivedBy(target, 3);
    expect(await countPlaces(app.context.db)).toMatchObject({ uncertain: doubts + 1, occupied });
    expect(await placeOf(app, w, environment)).toMatchObject({
      live: artifactId,
      uncertain: ['CANCELLED false'],
    });
    await expectRefusal('FailedPrecondition', free(w, environment));
    await expectRefusal('NotFound', free(w, 'no-such-place'));
  });
});

describe('another address of a destination', () => {
  const moveTo = (w: World, name: string, url: string) =>
    w.admin.destinations.updateDestination({
      organisation: w.organisation,
      name,
      metadata: { url, timeout_seconds: '60' },
    });

  test('makes uncertain what it runs until a later delivery succeeds there', async () => {
    const { w, target, environment, intent, artifactId } = await called(answer(200));
    await ended(w, intent);
    await moveTo(w, environment, target.url);
    expect(await placeOf(app, w, environment)).toEqual({ live: artifactId, doubt: null, uncertain: [] });
    const elsewhere = await receiver(answer(202));
    await moveTo(w, environment, elsewhere.url);
    const doubt = `the address of ${environment} was changed`;
    expect(await placeOf(app, w, environment)).toEqual({ live: artifactId, doubt, uncertain: [] });
    expect((await periodsOf(environment)).map(({ ended }) => ended)).toEqual([true]);

    // A delivery that has started goes to the address that it started with.
    const early = await w.artifact();
    const started = await w.release(early.artifactId, [environment]);
    await deliveredTo(elsewhere, started);
    await moveTo(w, environment, target.url);
    await report(elsewhere, 'SUCCEEDED');
    await ended(w, started);
    expect(await placeOf(app, w, environment)).toMatchObject({ live: early.artifactId, doubt });

    const later = await w.artifact();
    await ended(w, await w.release(later.artifactId, [environment]));
    expect(await placeOf(app, w, environment)).toEqual({
      live: later.artifactId,
      doubt: null,
      uncertain: [],
    });
  });

  test('is settled by an admin', async () => {
    const { w, environment, intent, artifactId } = await called(answer(200));
    await ended(w, intent);
    await moveTo(w, environment, 'https://deploy.example/elsewhere');
    await settle(w, environment, artifactId);
    expect(await placeOf(app, w, environment)).toEqual({ live: artifactId, doubt: null, uncertain: [] });
    expect((await periodsOf(environment)).map(({ ended }) => ended)).toEqual([true, false]);
  });
});
