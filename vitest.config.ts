import { availableParallelism } from 'node:os';
import { defineConfig } from 'vitest/config';

/** One project per floor, so that `vitest run --project domain` runs one of them alone. */
export default defineConfig({
  test: {
    // Server tests wait for databases and other processes more than they compute: one more than two cores would have.
    maxWorkers: Math.max(3, availableParallelism()),
    projects: [
      { test: { name: 'domain', include: ['domain/**/*.test.ts'] } },
      {
        test: {
          name: 'server',
          include: ['server/**/*.test.ts'],
          globalSetup: ['server/tests/database.ts', 'scripts/ensure-nats-server.ts'],
          // Real databases and real processes: slow machines are slow, not wrong.
          testTimeout: 30_000,
          hookTimeout: 60_000,
        },
      },
      // A dashboard test that needs a document says so at its top: `// @vitest-environment jsdom`.
      {
        test: {
          name: 'dashboard',
          include: ['src/**/*.test.{ts,tsx}'],
          setupFiles: ['src/testing/patience.ts'],
          testTimeout: 30_000,
        },
      },
      { test: { name: 'scripts', include: ['scripts/**/*.test.ts'] } },
    ],
  },
});
