import { statement } from '#server/db/database.ts';

/** Makes set-ups wait for each other, on all servers of the database. The number is this lock's own. */
export const lockSetUp = statement<[]>('sessions.lock_set_up', 'select pg_advisory_xact_lock(7220154)');
