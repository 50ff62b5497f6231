// `npm run pictures` takes the README's pictures from the demo; `npm run pictures -- --all pictures` takes one of every screen into that
// folder, wide and narrow, light and dark, for people to look at. Each shows what fits into the window; `--full` the whole page.
import { mkdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { type Browser, chromium } from 'playwright';
import { signedIn } from './api.ts';
import { type RunningDemo, withDemo } from './demo-process.ts';
import { ensureChromium } from './ensure-chromium.ts';
import { root } from './run.ts';

const { values: options } = parseArgs({
  options: { all: { type: 'string' }, full: { type: 'boolean', default: false } },
});

interface Picture {
  readonly name: string;
  readonly path: string;
  /** A text that the page shows once it is complete. */
  readonly ready: string;
  /** Who is signed in; null for nobody. */
  readonly user: keyof RunningDemo['passwords'] | null;
  readonly colorScheme: 'light' | 'dark';
  readonly width: number;
  readonly height: number;
}

const organisation = '/orgs/acme';
const project = `${organisation}/projects/checkout`;

/** The addresses of two releases that wait: one with one of two approvals, and another one. */
async function releasePaths(demo: RunningDemo): Promise<{ half: string; other: string }> {
  const { policies } = await signedIn(demo.url, 'reviewer-two', demo.passwords['reviewer-two']);
  const { approvals } = await policies.listPendingApprovals({});
  const [half] = approvals.filter((approval) => approval.currentApprovals === 1);
  if (half === undefined) throw new Error('No release has one approval');
  const other = approvals.find((approval) => approval.slug !== half.slug) ?? half;
  return { half: `${project}/releases/${half.slug}`, other: `${project}/releases/${other.slug}` };
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

const LOOKS = [
  { look: 'wide-light', colorScheme: 'light', width: 1280, height: 800 },
  { look: 'wide-dark', colorScheme: 'dark', width: 1280, height: 800 },
  { look: 'narrow-light', colorScheme: 'light', width: 390, height: 844 },
  { look: 'narrow-dark', colorScheme: 'dark', width: 390, height: 844 },
] as const;

async function everyScreen(demo: RunningDemo): Promise<Picture[]> {
  const { half, other } = await releasePaths(demo);
  const screens: Pick<Picture, 'name' | 'path' | 'ready' | 'user'>[] = [
    { name: 'sign-in', path: '/sign-in', ready: 'Sign in', user: null },
    { name: 'home', path: '/', ready: 'Waiting for you', user: 'reviewer-two' },
    { name: 'home-author', path: '/', ready: 'Your releases', user: 'author' },
    { name: 'organisation', path: organisation, ready: 'production', user: 'reviewer-two' },
    { name: 'members', path: `${organisation}/members`, ready: 'reviewer', user: 'admin' },
    { name: 'environments', path: `${organisation}/environments`, ready: 'staging', user: 'admin' },
    { name: 'history', path: `${organisation}/history`, ready: 'approved', user: 'admin' },
    { name: 'project', path: project, ready: 'Awaiting approval', user: 'reviewer-two' },
    { name: 'release', path: half, ready: 'Policy Requirements', user: 'reviewer-two' },
    { name: 'release-author', path: other, ready: 'Policy Requirements', user: 'author' },
    { name: 'release-admin', path: half, ready: 'Bypass (Admin)', user: 'admin' },
    { name: 'policies', path: `${project}/policies`, ready: 'Approval Required', user: 'admin' },
    { name: 'pipelines', path: `${project}/pipelines`, ready: 'Pipelines', user: 'admin' },
    { name: 'account', path: '/account', ready: 'Password', user: 'reviewer' },
    { name: 'not-found', path: '/orgs/initech', ready: 'Go to home', user: 'reviewer' },
  ];
  return LOOKS.flatMap(({ look, ...rest }) =>
    screens.map((screen) => ({ ...screen, ...rest, name: `${screen.name}-${look}` })),
  );
}

/** Takes one picture. A page that never shows its text is taken as it is, and named. */
async function take(browser: Browser, demo: RunningDemo, folder: string, picture: Picture): Promise<void> {
  const { name, path, ready, user, colorScheme, width, height } = picture;
  const context = await browser.newContext({ colorScheme, viewport: { width, height }, locale: 'en-GB' });
  if (user !== null) {
    const data = { identifier: user, password: demo.passwords[user] };
    await context.request.post(`${demo.url}/forest.v1.SessionService/SignIn`, { data });
  }
  const page = await context.newPage();
  await page.goto(`${demo.url}${path}`);
  const shown = page.getByText(ready).filter({ visible: true }).first();
  await shown.waitFor({ timeout: 20_000 }).catch(() => {
    console.error(`${name} does not show "${ready}"`);
    process.exitCode = 1;
  });
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
