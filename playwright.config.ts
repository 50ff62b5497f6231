import { defineConfig } from 'playwright/test';
import { ensureChromium } from './scripts/ensure-chromium.ts';

const asRoot = process.getuid?.() === 0;

/** Browser tests: the real server with its real database, in the Chromium that `npm test` finds or installs. */
export default defineConfig({
  testDir: './e2e',
  // Has a configuration and a command of its own: playwright.screens.config.ts.
  testIgnore: ['long/**', 'screens/**'],
  globalSetup: './scripts/temporary-run.ts',
  outputDir: './test-results',
  // Each test makes its own data, so order and company do not matter; a failure is a failure, not a reason to retry.
  fullyParallel: true,
  // Tests wait for their pages more than they compute, so two cores run three at once.
  workers: 3,
  retries: 0,
  forbidOnly: true,
  // A busy machine is slow; a slow test is not a failed one.
  timeout: 180_000,
  expect: { timeout: 30_000 },
  reporter: 'list',
  use: {
    headless: true,
    viewport: { width: 1280, height: 900 },
    // Their words are compared: no surprises from the machine's settings.
    locale: 'en-GB',
    timezoneId: 'UTC',
    // Recording what is thrown away again takes a fifth of the time: `npx playwright test --trace=on` for one that fails.
    trace: 'off',
    screenshot: 'only-on-failure',
    launchOptions: {
      executablePath: ensureChromium(),
      // Chromium's sandbox refuses to run as root, which is what containers of CI services are; the pages are ours.
      chromiumSandbox: !asRoot,
      args: [
        // Nothing but the server under test is reached.
        '--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE localhost',
        '--disable-domain-reliability',
        '--no-pings',
      ],
    },
  },
});
