import pg from 'pg';
import { eventually, type TestApp } from './harness.ts';

/** Waits until exactly that many sessions of the app's database wait for locks. */
export const untilWaiting = (app: TestApp, count: number) =>
  eventually(async () => {
    const { rowCount } = await app.context.db.pool.query(
      `select 1 from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`,
    );
    return rowCount === count;
  }, `${count} sessions to wait for locks`);

/** Runs `work` while another transaction holds the rows that `lock` selects; once `work` waits, runs `before` and commits. */
export async function whileLocked<T>(
  app: TestApp,
  lock: readonly [text: string, values: unknown[]],
  work: () => Promise<T>,
  before: (holder: pg.Client) => Promise<unknown> = async () => {},
): Promise<T> {
  const holder = new pg.Client({ connectionString: app.databaseUrl });
  await holder.connect();
  try {
    await holder.query('begin');
    await holder.query(lock[0], lock[1]);
    const result = work();
    await untilWaiting(app, 1);
    await before(holder);
    await holder.query('commit');
    return await result;
  } finally {
    await holder.end();
  }
}

/** Makes two calls wait for the lock on one user, and lets them through in their order. */
export async function inTurn<First, Second>(
  app: TestApp,
  userId: string,
  first: () => Promise<First>,
  second: () => Promise<Second>,
): Promise<[First, Second]> {
  const later = Promise.withResolvers<Second>();
  const lock = 'select 1 from users where id = $1 for no key update';
  const one = await whileLocked(app, [lock, [userId]], first, async () => {
    second().then(later.resolve, later.reject);
    await untilWaiting(app, 2);
  });
  return [one, await later.promise];
}
