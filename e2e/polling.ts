import type { Page } from 'playwright/test';
import { expect } from './fixtures.ts';

/** Longer than the longest time between two polls of a visible page. */
const PAUSE_MS = 30_000;

/** Has everything that the page polls asked again now. The page needs a clock: `page.clock.install()` before it is opened. */
export const poll = (page: Page) => page.clock.fastForward(PAUSE_MS);

/** Polls until the expectation, which waits for a second at most, holds. */
export const polledUntil = (page: Page, expectation: (within: { timeout: number }) => Promise<void>) =>
  expect(async () => {
    await poll(page);
    await expectation({ timeout: 1_000 });
  }).toPass();
