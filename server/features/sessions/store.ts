import { type Executor, statement } from '#server/db/database.ts';

/** Any number that no other advisory lock of this server has. */
const SET_UP_LOCK = 7_220_154;

const lock = statement<readonly [key: number]>('sessions.lock_set_up', 'select pg_advisory_xact_lock($1)');

/** Lets one set-up through at a time, until the transaction ends; also over several servers on one database. */
export async function lockSetUp(db: Executor): Promise<void> {
  await db.run(lock, [SET_UP_LOCK]);
}
