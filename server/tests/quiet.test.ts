import { afterAll, expect, test, vi } from 'vitest';
import { gatedRelease, voteOn } from './gate-world.ts';
import { eventually, startTestApp } from './harness.ts';
import { ended, stateOf, world } from './world.ts';

/* A gated release whose facts do not change costs nothing: no evaluation and no write. Only the sweep reads, by its indexes. */

const statements: string[] = [];
const app = await startTestApp({
  config: { sweepSeconds: 1 },
  observeStatement: (name) => statements.push(name),
});
afterAll(() => app.stop());
const w = await world(app);
await w.approvalPolicy(2);

async function gated(): Promise<string> {
  const intentId = await gatedRelease(w);
  await app.coordinator.idle();
  return intentId;
}
const rowOf = async (intentId: string) =>
  (await app.context.db.pool.query('select xmin, * from release_intents where id = $1', [intentId])).rows[0];

test('sweeps read twice, evaluate nothing and write nothing while nothing changes', async () => {
  const intents = [await gated(), await gated(), await gated()];
  const before = await rowOf(intents[0] ?? '');
  const evaluations = app.coordinator.evaluations();
  await app.coordinator.sweep();
  statements.length = 0;
  await eventually(
    async () => statements.filter((name) => name === 'gate.soonest').length >= 3,
    'three sweeps of the timer',
  );
  expect(new Set(statements)).toEqual(
    new Set(['gate.sweep', 'gate.soonest', 'deliveries.list_work', 'db.clock']),
  );
  expect(app.coordinator.evaluations()).toBe(evaluations);
  expect(await rowOf(intents[0] ?? '')).toEqual(before);
});

test('a vote evaluates its gate in its own transaction and wakes no coordinator', async () => {
  const [one] = [await gated(), await gated()];
  const evaluations = app.coordinator.evaluations();
  await w.reviewer.policies.approveRelease(voteOn(w, one));
  expect((await stateOf(w, one)).stages[0]?.reason).toBe('awaiting approval: 1/2');
  await app.coordinator.idle();
  expect(app.coordinator.evaluations()).toBe(evaluations);
  await w.reviewerTwo.policies.approveRelease(voteOn(w, one));
  await ended(w, one);
});

test('the sweep evaluates an intent whose signal was lost', async () => {
  const intentId = await gated();
  // As if the server had crashed between the commit of the votes and their signals.
  await app.context.db.pool.query(
    `with votes as (
       insert into approval_decisions (release_intent_id, target_environment, user_id, username, decision)
       select $1, 'production', id, username, 'approved' from users where id = any($2))
     update release_intents set wanted_generation = wanted_generation + 1 where id = $1`,
    [intentId, [w.reviewer.userId, w.reviewerTwo.userId]],
  );
  await ended(w, intentId);
});

test('an intent that cannot be evaluated is retried after a pause', async () => {
  const intentId = await gated();
  const { pool } = app.context.db;
  await pool.query(
    `create function refused() returns trigger language plpgsql as $$ begin raise exception 'refused'; end $$`,
  );
  await pool.query('create trigger refused before update on release_intents execute function refused()');
  const timers = vi.spyOn(globalThis, 'setTimeout');
  const now = new Date();
  const clock = { now: () => now, sleep: async () => {} };
  const pauses = () => timers.mock.calls.filter(([, delay]) => delay === 1_000).length;
  const setNextCheck = `update release_intents set next_check_at = $2 where id = $1`;
  try {
    await pool.query('alter table release_intents disable trigger refused');
    await pool.query(setNextCheck, [intentId, new Date(now.getTime() - 1_000)]);
    await pool.query('alter table release_intents enable trigger refused');
    const other = await startTestApp({ clock, config: { databaseUrl: app.databaseUrl } });
    try {
      await eventually(async () => pauses() > 0, 'a pause before the next try');
      await pool.query('drop trigger refused on release_intents');
      await eventually(async () => (await rowOf(intentId)).next_check_at === null, 'the next try');
    } finally {
      await other.stop();
    }
  } finally {
    timers.mockRestore();
  }
});
