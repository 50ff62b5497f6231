import pg from 'pg';
import { eventually, type TestApp } from './harness.ts';

/** Has two calls wait for one user, and lets them through in their order. */
export async function inTurn<First, Second>(
  app: TestApp,
  userId: string,
  first: () => Promise<First>,
  second: () => Promise<Second>,
): Promise<[First, Second]> {
  const holder = new pg.Client({ connectionString: app.databaseUrl });
  await holder.connect();
  const waiting = (count: number) =>
    eventually(async () => {
      const { rowCount } = await app.context.db.pool.query(
        `select 1 from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`,
      );
      return rowCount === count;
    }, `${count} to wait`);
  try {
    await holder.query('begin');
    await holder.query('select 1 from users where id = $1 for no key update', [userId]);
    const one = first();
    await waiting(1);
    const two = second();
    await waiting(2);
    await holder.query('commit');
    return [await one, await two];
  } finally {
    await holder.end();
  }
}
