import { defineConfig } from 'playwright/test';
import browserTests from './playwright.config.ts';

/** `npm run test:screens`: every screen for every reader; too long for `npm test`. */
export default defineConfig({
  ...browserTests,
  testDir: './e2e/screens',
  testIgnore: [],
  globalSetup: './e2e/screens/servers.ts',
  // A missing action is a fault of the page, not of a busy machine.
  use: { ...browserTests.use, actionTimeout: 20_000 },
});
