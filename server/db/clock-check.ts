import { outsideRequests } from '#server/request-scope.ts';
import { type Database, statement } from './database.ts';
import type { Log } from './log.ts';

/** From this difference on, the log warns. */
const WARN_MS = 2_000;
/** Beyond this difference a server is not ready and starts no deliveries: its times of soaks and deadlines would be wrong. */
const MAX_MS = 30_000;

const readClock = statement<[], { at: Date }>('db.clock', 'select clock_timestamp() as at');

/** How far the clock of this server is ahead of the database's. */
export interface ClockCheck {
  /** Asks the database for its time. Keeps the last difference when the database does not answer. */
  measure(): Promise<void>;
  /** In milliseconds; negative when the server is behind. 0 until the first answer. */
  readonly difference: () => number;
  /** Why the server cannot work with this clock, for an operator; null when it can. */
  readonly problem: () => string | null;
}

/** @param now the server's time in milliseconds since 1970 */
export function createClockCheck(
  db: Pick<Database, 'run'>,
  log: Pick<Log, 'warn'>,
  now: () => number = Date.now,
): ClockCheck {
  let difference = 0;
  const seconds = () => `${(Math.abs(difference) / 1_000).toFixed(1)} s`;
  return {
    async measure() {
      const asked = now();
      const rows = await outsideRequests(() => db.run(readClock, [])).catch(() => []);
      const [answer] = rows;
      if (answer === undefined) return;
      // The database read its clock about half-way between.
      difference = Math.round((asked + now()) / 2 - answer.at.getTime());
      if (Math.abs(difference) > WARN_MS)
        log.warn(
          { differenceMs: difference },
          `the clock of this server differs from the database's by ${seconds()}`,
        );
    },
    difference: () => difference,
    problem: () =>
      Math.abs(difference) <= MAX_MS
        ? null
        : `the clock of this server differs from the database's by ${seconds()}; synchronise both`,
  };
}
