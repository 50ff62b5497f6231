// `npm run pictures`: takes the README's pictures from the demo.
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { type Browser, chromium, type Page } from 'playwright';
import { signedIn } from './api.ts';
import { type RunningDemo, withDemo } from './demo-process.ts';
import { ensureChromium } from './ensure-chromium.ts';
import { root } from './run.ts';

const folder = join(root, 'docs', 'pictures');
const project = { organisation: 'acme', project: 'checkout' };
const releases = '/orgs/acme/projects/checkout';

interface Look {
  readonly user: keyof RunningDemo['passwords'];
  readonly colorScheme: 'light' | 'dark';
  readonly width: number;
  readonly height: number;
}

async function signedInPage(browser: Browser, demo: RunningDemo, look: Look): Promise<Page> {
  const { colorScheme, width, height } = look;
  const context = await browser.newContext({ colorScheme, viewport: { width, height }, locale: 'en-GB' });
  const data = { identifier: look.user, password: demo.passwords[look.user] };
  await context.request.post(`${demo.url}/forest.v1.SessionService/SignIn`, { data });
  return context.newPage();
}

/** The address of the release that has one of two approvals. */
async function halfApproved(demo: RunningDemo): Promise<string> {
  const { policies } = await signedIn(demo.url, 'reviewer-two', demo.passwords['reviewer-two']);
  const { approvals } = await policies.listPendingApprovals({});
  const found = approvals.find((approval) => approval.currentApprovals === 1);
  if (found === undefined) throw new Error(`No release of ${project.project} has one approval`);
  return `${releases}/releases/${found.slug}`;
}

mkdirSync(folder, { recursive: true });
await withDemo(async (demo) => {
  const browser = await chromium.launch({
    executablePath: ensureChromium(),
    chromiumSandbox: process.getuid?.() !== 0,
  });
  const take = async (name: string, path: string, ready: string, look: Look) => {
    const page = await signedInPage(browser, demo, look);
    await page.goto(`${demo.url}${path}`);
    await page.getByText(ready).first().waitFor();
    await page.screenshot({ path: join(folder, `${name}.png`) });
    await page.context().close();
  };
  const wide = { width: 1100, height: 640 };
  try {
    await take('releases', releases, 'Awaiting approval 1/2', {
      user: 'reviewer-two',
      colorScheme: 'light',
      ...wide,
    });
    await take('gate', `${await halfApproved(demo)}#policy-requirements`, '1/2 approvals', {
      user: 'reviewer-two',
      colorScheme: 'light',
      ...wide,
    });
    await take('policies', `${releases}/policies`, 'Approval Required', {
      user: 'admin',
      colorScheme: 'dark',
      ...wide,
    });
  } finally {
    await browser.close();
  }
});
