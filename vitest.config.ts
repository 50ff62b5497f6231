import { availableParallelism } from 'node:os';
import { defineConfig } from 'vitest/config';

/** Node runs these files itself, and files in a worker share the modules they import: loading cost more than the tests. */
const lean = { isolate: false, experimental: { viteModuleRunner: false, nodeLoader: false } };

/** One project per part of the code: `vitest run --project domain` runs one of them. */
export default defineConfig({
  test: {
    // Server tests wait for databases and other processes more than they compute, so two cores run three workers.
    maxWorkers: Math.max(3, availableParallelism()),
    projects: [
      // Properties are checked for many inputs, which is slow on a busy machine.
      { test: { ...lean, name: 'domain', include: ['domain/**/*.test.ts'], testTimeout: 120_000 } },
      {
        test: {
          ...lean,
          name: 'server',
          include: ['server/**/*.test.ts'],
          globalSetup: [
            'scripts/temporary-run.ts',
            'server/tests/database.ts',
            'scripts/ensure-nats-server.ts',
          ],
          // Databases and processes are slow on a busy machine; a slow test is not a failed one.
          testTimeout: 300_000,
          hookTimeout: 300_000,
        },
      },
      // A dashboard test that needs a document says so at its top: `// @vitest-environment jsdom`.
      {
        test: {
          name: 'dashboard',
          include: ['src/**/*.test.{ts,tsx}'],
          setupFiles: ['src/testing/set-up.ts'],
          isolate: false,
          testTimeout: 120_000,
        },
      },
      {
        test: {
          ...lean,
          name: 'scripts',
          include: ['scripts/**/*.test.ts'],
          globalSetup: ['scripts/temporary-run.ts'],
          testTimeout: 120_000,
        },
      },
    ],
  },
});
