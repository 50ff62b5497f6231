// `npm run pictures` takes the README's pictures from the demo; `npm run pictures -- --all pictures` takes one of every screen and dialog into
// that folder, wide and narrow, light and dark, for people to look at. Each shows what fits into the window; `--full` the whole page.
import { mkdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { type Browser, chromium } from 'playwright';
import { type RunningDemo, withDemo } from './demo-process.ts';
import { ensureChromium } from './ensure-chromium.ts';
import { root } from './run.ts';
import { pathOf, project, releasePaths, type Screen, screens, sizes } from './screens.ts';

const { values: options } = parseArgs({
  options: { all: { type: 'string' }, full: { type: 'boolean', default: false } },
});

interface Picture extends Pick<Screen, 'name' | 'user' | 'ready' | 'open'> {
  readonly path: string;
  readonly colorScheme: 'light' | 'dark';
  readonly width: number;
  readonly height: number;
}

async function readmePictures(demo: RunningDemo): Promise<Picture[]> {
  const { half } = await releasePaths(demo);
  const wide = { user: 'reviewer-two', colorScheme: 'light', width: 1100, height: 640 } as const;
  return [
    { ...wide, name: 'releases', path: project, ready: 'Awaiting approval 1/2' },
    { ...wide, name: 'gate', path: `${half}#policy-requirements`, ready: '1/2 approvals' },
    {
      ...wide,
      name: 'policies',
      path: `${project}/policies`,
      ready: 'Approval Required',
      user: 'admin',
      colorScheme: 'dark',
    },
  ];
}

async function everyScreen(demo: RunningDemo): Promise<Picture[]> {
  const paths = await releasePaths(demo);
  return Object.entries(sizes).flatMap(([size, dimensions]) =>
    (['light', 'dark'] as const).flatMap((colorScheme) =>
      screens
        .filter(({ only = size }) => only === size)
        .map((screen) => ({
          ...screen,
          ...dimensions,
          colorScheme,
          path: pathOf(screen, paths),
          name: `${screen.name}-${size}-${colorScheme}`,
        })),
    ),
  );
}

/** Takes one picture. A page that never shows its text is taken as it is, and named. */
async function take(browser: Browser, demo: RunningDemo, folder: string, picture: Picture): Promise<void> {
  const { name, path, ready, user, open, colorScheme, width, height } = picture;
  const context = await browser.newContext({ colorScheme, viewport: { width, height }, locale: 'en-GB' });
  if (user !== null) {
    const data = { identifier: user, password: demo.passwords[user] };
    await context.request.post(`${demo.url}/forest.v1.SessionService/SignIn`, { data });
  }
  const page = await context.newPage();
  await page.goto(`${demo.url}${path}`);
  const shown = page.getByText(ready).filter({ visible: true }).first();
  try {
    await shown.waitFor({ timeout: 20_000 });
    page.setDefaultTimeout(20_000);
    await open?.(page);
  } catch (error) {
    console.error(`${name} does not show "${ready}" or what is opened there: ${error}`);
    process.exitCode = 1;
  }
  await page.screenshot({ path: join(folder, `${name}.png`), fullPage: options.full });
  await context.close();
}

const folder = resolve(root, options.all ?? join('docs', 'pictures'));
mkdirSync(folder, { recursive: true });
await withDemo(async (demo) => {
  const browser = await chromium.launch({
    executablePath: ensureChromium(),
    chromiumSandbox: process.getuid?.() !== 0,
  });
  try {
    const pictures = await (options.all === undefined ? readmePictures(demo) : everyScreen(demo));
    for (const picture of pictures) await take(browser, demo, folder, picture);
  } finally {
    await browser.close();
  }
});
