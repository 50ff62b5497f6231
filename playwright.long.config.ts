import { defineConfig } from 'playwright/test';
import browserTests from './playwright.config.ts';

/** `npm run test:browser-long`: what `npm test` has no time for: administration, sign-in providers, hostile texts, outages. */
export default defineConfig({ ...browserTests, testDir: './e2e/long', testIgnore: [] });
