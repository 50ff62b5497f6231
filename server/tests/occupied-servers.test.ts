import { afterAll, afterEach, describe, expect, test } from 'vitest';
import { claimNext } from '#server/features/deliveries/service.ts';
import { ReleaseIntentStatus } from '#server/gen/forest/v1/releases_pb.ts';
import { subjects } from '#server/signals/bus.ts';
import { deliveryWorld, receivedBy, report } from './delivery-world.ts';
import { stepBecomes } from './gate-world.ts';
import { eventually, startTestApp, type TestApp, type TestOptions } from './harness.ts';
import { beside } from './neighbours.ts';
import { answer, type Receiver } from './webhook-receiver.ts';
import { ended, type World, world } from './world.ts';

// Two servers on one database want to start the next delivery to a destination that a cancelled or timed-out one occupies.

const SERVER = '01890000-0000-7000-8000-000000000000';

/** Options of a server that counts how often it has looked for something to start. */
function counted(): { options: TestOptions; looks: () => number } {
  let looks = 0;
  const observeStatement = (name: string) => {
    if (name === 'deliveries.find_next') looks++;
  };
  return { options: { observeStatement }, looks: () => looks };
}

const [one, two] = [counted(), counted()];
const a = await startTestApp(one.options);
const b = await beside(a, two.options);
afterAll(async () => {
  await b.stop();
  await a.stop();
});
const { close, receiver, webhookEnvironment } = deliveryWorld(a);
afterEach(close);

const rows = async (sql: string, ...values: unknown[]) => (await a.context.db.pool.query(sql, values)).rows;

/** Nudges both servers at the same time, until each has looked and finished what it then did. */
async function bothTry(intent: string): Promise<void> {
  const [queued] = await rows('select id from releases where release_intent_id = $1', intent);
  const nudge = async ({ context }: TestApp, looks: () => number) => {
    // A server tries one thing at a time for a destination: when it looks again, its first attempt is over.
    for (let turn = 0; turn < 2; turn++) {
      const before = looks();
      // Again and again: a server that has just started something forgets that it was to look once more.
      await eventually(async () => {
        context.bus.publish(subjects.releaseQueued, queued.id);
        return looks() > before;
      }, 'the server to look');
    }
  };
  await Promise.all([nudge(a, one.looks), nudge(b, two.looks)]);
}

const claims = async (environment: string) => {
  const [destination] = await rows('select id from destinations where name = $1', environment);
  return Promise.all([a, b].map(({ context }) => claimNext(context, SERVER, destination.id, 1)));
};

/** A delivery that runs, and ends as asked while its receiver goes on. */
const endings = {
  async 'is cancelled'(w: World, target: Receiver) {
    const environment = await webhookEnvironment(w, target);
    const intent = await w.releaseNew([environment]);
    await stepBecomes(w, intent, 'RUNNING');
    const end = () => w.author.releases.cancelRelease({ releaseIntentId: intent });
    return { environment, intent, end };
  },
  async 'times out'(w: World, target: Receiver) {
    const environment = await webhookEnvironment(w, target, { timeout_seconds: '1' });
    const intent = await w.releaseNew([environment]);
    // Otherwise the next release might start first.
    await receivedBy(target, 1);
    const end = () => ended(w, intent, ReleaseIntentStatus.FAILED);
    return { environment, intent, end };
  },
} as const;

/** What frees the destination. */
const frees = {
  'its receiver reports': async (target: Receiver) => {
    expect((await report(target, 'FAILED', {}, { request: 0 })).status).toBe(200);
  },
  'the grace period ends': (_: Receiver, intent: string) =>
    rows('update releases set occupied_until = now() where release_intent_id = $1', intent),
} as const;

describe.each(Object.entries(endings))('after a delivery %s', (_, begin) => {
  test.each(Object.entries(frees))(
    'neither server starts another one until %s, then one does',
    async (_, free) => {
      const w = await world(a);
      const target = await receiver(answer(202));
      const { environment, intent, end } = await begin(w, target);
      const next = await w.releaseNew([environment]);
      await end();
      await stepBecomes(w, next, 'QUEUED');

      await bothTry(next);
      expect(await claims(environment)).toEqual([
        expect.objectContaining({ occupiedUntil: expect.any(Date) }),
        expect.objectContaining({ occupiedUntil: expect.any(Date) }),
      ]);
      expect(target.received).toHaveLength(1);
      expect(await stepBecomes(w, next, 'QUEUED')).toMatchObject({ attempt: 0 });

      await free(target, intent);
      await bothTry(next);
      await receivedBy(target, 2);
      await stepBecomes(w, next, 'RUNNING');
      await bothTry(next);
      expect(await claims(environment)).toEqual([null, null]);
      expect(target.received.map(({ event }) => event.release_intent_id)).toEqual([intent, next]);
      expect(await stepBecomes(w, next, 'RUNNING')).toMatchObject({ attempt: 1 });
    },
  );
});
