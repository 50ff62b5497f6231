import { type Browser, expect, type Locator, type Page, test } from 'playwright/test';
import {
  pathOf,
  type ReleasePaths,
  releasePaths,
  type Screen,
  type Size,
  screens,
  sizes,
} from '../../scripts/screens.ts';
import { faults, overhang, shiftOf, watchShifts } from '../page-faults.ts';
import { animations, cutTexts, focused, lostInForcedColours, outline, rememberMarks } from './checks.ts';
import { servers } from './servers.ts';

const setUp: Screen = {
  name: 'set-up',
  at: '/set-up',
  user: null,
  ready: 'Set up Forage',
  action: ['button', /^Set up Forage$/],
};

let paths: ReleasePaths;
/** The cookies of the users that signed in before. */
const cookies = new Map<string, Awaited<ReturnType<Awaited<ReturnType<Browser['newContext']>>['cookies']>>>();

test.beforeAll(async () => {
  paths = await releasePaths(servers().demo);
});

/** A page of a reader who needs less motion nowhere, signed in as the screen's user. */
async function pageFor({ user }: Screen, size: Size, browser: Browser): Promise<Page> {
  const { url, passwords } = servers().demo;
  const context = await browser.newContext({ viewport: sizes[size], locale: 'en-GB' });
  if (user !== null) {
    const known = cookies.get(user);
    if (known) await context.addCookies(known);
    else {
      const data = { identifier: user, password: passwords[user] };
      await context.request.post(`${url}/forest.v1.SessionService/SignIn`, { data });
      cookies.set(user, await context.cookies());
    }
  }
  return context.newPage();
}

const DIALOG = '[role=dialog], [role=alertdialog]';
const dialogOf = (page: Page): Locator => page.locator(DIALOG);

/** The main action; in the open dialog if there is one. */
function actionOf({ action: [role, name] }: Screen, page: Page): Locator {
  return dialogOf(page)
    .or(page.locator('header, main'))
    .getByRole(role, { name })
    .filter({ visible: true })
    .first();
}

async function openScreen(screen: Screen, page: Page): Promise<void> {
  const { demo, setUpAddress } = servers();
  await page.goto(screen === setUp ? setUpAddress : demo.url + pathOf(screen, paths));
  await expect(page.getByText(screen.ready).filter({ visible: true }).first()).toBeVisible();
}

/** Expects that nothing is out of reach in this layout. */
async function expectReadable(screen: Screen, page: Page, layout: string): Promise<void> {
  // A page may change from a table to cards after its window has changed.
  await expect.soft
    .poll(() => overhang(page), `${layout}: pixels wider than the window`)
    .toBeLessThanOrEqual(0);
  expect.soft(await cutTexts(page), `${layout}: cut texts`).toEqual([]);
  const reached = await actionOf(screen, page)
    .click({ trial: true, timeout: 5_000 })
    .then(
      () => 'reached',
      (error: Error) => error.message,
    );
  expect.soft(reached, `${layout}: main action`).toBe('reached');
}

/** As a reader sets it in the browser. */
async function setFontSize(page: Page, standard: number): Promise<void> {
  const protocol = await page.context().newCDPSession(page);
  await protocol.send('Page.setFontSizes', { fontSizes: { standard, fixed: standard * 0.8125 } });
}

for (const screen of [setUp, ...screens]) {
  for (const size of ['wide', 'narrow'] as const) {
    if (screen.only && screen.only !== size) continue;

    test(`${screen.name}, ${size}: works for every reader`, async ({ browser }) => {
      const page = await pageFor(screen, size, browser);

      if (!screen.open) {
        await test.step('stays in place while it loads slowly', async () => {
          await watchShifts(page);
          const protocol = await page.context().newCDPSession(page);
          const network = { offline: false, latency: 250, downloadThroughput: -1, uploadThroughput: -1 };
          await protocol.send('Network.emulateNetworkConditions', network);
          await openScreen(screen, page);
          await page.waitForLoadState('networkidle');
          expect.soft(await shiftOf(page), 'layout shift').toBeLessThanOrEqual(0.05);
          await protocol.send('Network.emulateNetworkConditions', { ...network, latency: 0 });
        });

        await test.step('has a heading, landmarks, a title and a skip link', async () => {
          const { headings, landmarks, outside } = await outline(page);
          expect.soft(headings, 'h1').toBe(1);
          expect.soft(landmarks).toEqual(screen.user === null ? ['main'] : ['header', 'main']);
          expect.soft(outside, 'outside of landmarks').toEqual([]);
          const heading = (await page.getByRole('heading', { level: 1 }).textContent()) ?? '';
          // The first page has the product's name alone.
          const title = new RegExp(screen.at === '/' ? '^(\\(\\d+\\) )?Forage$' : ' · Forage$|^Forage$');
          expect.soft(await page.title()).toMatch(title);
          if (screen.at !== '/') {
            const words = heading.split(' ').at(-1) ?? '';
            expect.soft(await page.title(), 'the title names the screen').toContain(words);
          }
          if (screen.user !== null) {
            await page.keyboard.press('Tab');
            await expect.soft(page.getByRole('link', { name: 'Skip to content' })).toBeFocused();
            await expect.soft(page.getByRole('link', { name: 'Skip to content' })).toBeInViewport();
            await page.keyboard.press('Enter');
            await expect.soft(page.getByRole('main')).toBeFocused();
          }
        });
      } else {
        await openScreen(screen, page);
        await screen.open(page);
      }
      const action = actionOf(screen, page);
      await expect(action).toBeVisible();

      await test.step('passes axe in both schemes', async () => {
        const place = (await dialogOf(page).isVisible()) ? DIALOG : 'html';
        for (const colorScheme of ['light', 'dark'] as const) {
          await page.emulateMedia({ colorScheme });
          expect.soft(await faults(page, colorScheme, place), `axe, ${colorScheme}`).toEqual([]);
        }
      });

      await test.step('moves nothing for readers who asked for less motion', async () => {
        await page.emulateMedia({ colorScheme: 'light', reducedMotion: 'reduce' });
        expect.soft(await animations(page), 'animations').toEqual([]);
        await page.emulateMedia({ reducedMotion: 'no-preference' });
      });

      await test.step('shows in forced colours what colours show, and the way to the main action by keyboard', async () => {
        for (const colorScheme of ['light', 'dark'] as const) {
          await page.emulateMedia({ colorScheme, forcedColors: 'none' });
          await rememberMarks(page);
          await page.emulateMedia({ colorScheme, forcedColors: 'active' });
          expect.soft(await lostInForcedColours(page), `lost in forced colours, ${colorScheme}`).toEqual([]);
        }
        const unmarked: string[] = [];
        let reached = false;
        for (let step = 0; step < 150 && !reached; step++) {
          reached = await action.evaluate((element) => element === element.ownerDocument.activeElement);
          if (reached) break;
          await page.keyboard.press('Tab');
          const { name, marked } = await focused(page);
          if (!marked) unmarked.push(name);
        }
        expect.soft(reached, 'the tab order reaches the main action').toBe(true);
        expect.soft(unmarked, 'focused without an outline').toEqual([]);
        await page.emulateMedia({ colorScheme: 'light', forcedColors: 'none' });
      });

      await test.step('can be read at 320 pixels, in a window of half the width, and with text of twice the size', async () => {
        if (screen.only !== 'wide') {
          await page.setViewportSize({ width: 320, height: 640 });
          await expectReadable(screen, page, '320 pixels');
        }
        if (size === 'wide') {
          await page.setViewportSize({ width: 640, height: 400 });
          await expectReadable(screen, page, '640 pixels');
        }
        await page.setViewportSize(sizes[size]);
        await setFontSize(page, 32);
        await expectReadable(screen, page, 'text of 200 %');
      });
      await page.context().close();
    });
  }
}
