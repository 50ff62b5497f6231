import axe from 'axe-core';
import type { Page } from 'playwright/test';
import { expect } from './fixtures.ts';

/**
 * The violations that axe finds in the page, or in the elements of a selector: rule and element. With `'dark'` only the contrast is
 * checked, as only colours differ. Runs axe in the page itself: `@axe-core/playwright` takes five times as long.
 */
export async function faults(
  page: Page,
  colorScheme: 'light' | 'dark' = 'light',
  selector = 'html',
): Promise<string[]> {
  if (await page.evaluate('window.axe === undefined')) await page.evaluate(axe.source);
  const runOnly = colorScheme === 'dark' ? ['color-contrast'] : undefined;
  const options: axe.RunOptions = { resultTypes: ['violations'], ...(runOnly && { runOnly }) };
  const { violations } = await page.evaluate<axe.AxeResults>(
    `axe.run(${JSON.stringify(selector)}, ${JSON.stringify(options)})`,
  );
  return violations.flatMap(({ id, nodes }) => nodes.map(({ target }) => `${id}: ${target.join(' ')}`));
}

/** Expects no faults once the page has loaded. */
export const expectNoFaults = (page: Page, colorScheme: 'light' | 'dark' = 'light', selector = 'html') =>
  expect.poll(() => faults(page, colorScheme, selector), colorScheme).toEqual([]);

/** The pixels by which the page is wider than its window. */
export function overhang(page: Page): Promise<number> {
  return page.evaluate('document.documentElement.scrollWidth - document.documentElement.clientWidth');
}

/** Adds up the layout shifts of the pages that are opened from now on. */
export async function watchShifts(page: Page): Promise<void> {
  await page.addInitScript(`{
    window.shifts = 0;
    new PerformanceObserver((list) => {
      for (const entry of list.getEntries()) if (!entry.hadRecentInput) window.shifts += entry.value;
    }).observe({ type: 'layout-shift', buffered: true });
  }`);
}

export function shiftOf(page: Page): Promise<number> {
  return page.evaluate('window.shifts');
}
