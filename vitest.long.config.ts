import { defineConfig } from 'vitest/config';

const temporary = 'scripts/temporary-run.ts';
const database = 'server/tests/database.ts';
const slow = { testTimeout: 300_000, hookTimeout: 300_000 };

/** Long checks that `npm test` leaves out: `npm run test:tools`, `test:operations`, `test:upgrade`. */
export default defineConfig({
  test: {
    fileParallelism: false,
    projects: [
      // The project's own commands leave nothing behind.
      { test: { ...slow, name: 'tools', include: ['scripts/**/*.tools.ts'], globalSetup: [temporary] } },
      // What operators do, and what happens to them: backup, moves, versions of PostgreSQL, rolling restarts, faults.
      {
        test: {
          ...slow,
          name: 'operations',
          include: ['server/tests/**/*.operations.ts'],
          globalSetup: [temporary, database, 'scripts/ensure-nats-server.ts'],
        },
      },
      // The release before and this one on one database, which needs the repository's history.
      {
        test: {
          ...slow,
          name: 'upgrade',
          include: ['server/tests/**/*.upgrade.ts'],
          globalSetup: [temporary, database],
        },
      },
    ],
  },
});
