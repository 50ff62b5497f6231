import type { Page } from 'playwright/test';
import { expect } from './fixtures.ts';
import { expectNoFaults, overhang } from './page-faults.ts';

/** Expects no accessibility violations that axe finds, light and dark, and no horizontal scrolling at 320 pixels. */
export async function expectFitForAll(page: Page): Promise<void> {
  for (const colorScheme of ['light', 'dark'] as const) {
    await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' });
    await expectNoFaults(page, colorScheme);
  }
  const size = page.viewportSize();
  await page.setViewportSize({ width: 320, height: 640 });
  // A page may change from a table to cards after the window has changed.
  await expect.poll(() => overhang(page), 'pixels wider than the window').toBeLessThanOrEqual(0);
  if (size) await page.setViewportSize(size);
}
