import { readFile } from 'node:fs/promises';
import type { Page } from 'playwright/test';
import { BuildState } from '#server/gen/forest/v1/releases_pb.ts';
import { expectFitForAll } from './fit-for-all.ts';
import { test as base, becomes, build, expect, type World } from './fixtures.ts';
import { MARKUP } from './hostile-texts.ts';
import { type Receiver, startReceiver } from './receiver.ts';

const test = base.extend<{ receiver: Receiver }>({
  // biome-ignore lint/correctness/noEmptyPattern: Playwright requires this pattern
  receiver: async ({}, use) => {
    const receiver = await startReceiver();
    await use(receiver);
    await receiver.close();
  },
});

/** A deployment that runs until its receiver reports the end. Returns the address of its page. */
async function deployment(world: World, receiver: Receiver): Promise<string> {
  const { organisation } = world;
  const { admin } = world.people;
  await admin.api.environments.createEnvironment({ organisation, name: 'rig', sortOrder: 9 });
  await admin.api.destinations.createDestination({
    organisation,
    environment: 'rig',
    name: 'hook',
    type: { organisation: 'forage', name: 'webhook', version: 1n },
    metadata: {
      url: receiver.url,
      secret: `whsec_${Buffer.alloc(32, 'a secret of this test').toString('base64')}`,
      timeout_seconds: '600',
    },
  });
  const artifact = await build(world, '1.0.0');
  await world.release(artifact, 'rig');
  await becomes(world, artifact.artifactId, 'hook', BuildState.DEPLOYING);
  await expect.poll(() => receiver.events.length).toBe(1);
  return world.page(`releases/${artifact.slug}`);
}

async function openLogs(page: Page, address: string) {
  await page.goto(address);
  await page.getByRole('region', { name: 'Pipeline' }).getByRole('button', { name: 'Logs' }).click();
  const dialog = page.getByRole('dialog', { name: 'Logs of rig' });
  return { dialog, log: dialog.getByRole('region', { name: 'Log of hook' }) };
}

const numbered = (from: number, to: number) =>
  Array.from({ length: to - from + 1 }, (_, index) => `step ${from + index}`);

test('shows a log while the deployment runs, follows its end until the reader scrolls up, and is inert', async ({
  world,
  browserOf,
  receiver,
}) => {
  const address = await deployment(world, receiver);
  const page = await browserOf(world.people.reviewer);
  const { dialog, log } = await openLogs(page, address);
  // Forage writes what it sends and what is answered.
  await expect(log.getByText('answered 202')).toBeInViewport();
  await receiver.report('RUNNING', { log_lines: [MARKUP, ...numbered(1, 100)] });
  await expect(log.getByText(/ step 100$/)).toBeInViewport();
  await expect(dialog).toContainText('103 lines · live');

  await log.evaluate((element: { scrollTop: number }) => {
    element.scrollTop = 0;
  });
  await expect(log.getByText('answered 202')).toBeInViewport();
  await expect(log.getByText(MARKUP)).toBeVisible();
  await receiver.report('RUNNING', { log_lines: numbered(101, 120) });
  await expect(dialog).toContainText('123 lines · live');
  await expect(log.getByText('answered 202')).toBeInViewport();
  await dialog.getByRole('button', { name: 'Jump to the end' }).click();
  await expect(log.getByText(/ step 120$/)).toBeInViewport();

  await receiver.report('FAILED', { error_message: 'disk full', log_lines: ['no room left'] });
  await expect(log.getByText('no room left')).toBeInViewport();
  await expect(dialog).toContainText('Failed');
  await expect(dialog).not.toContainText('live');
  await expectFitForAll(page);
  expect(await page.evaluate('document.querySelector("[data-pwned]")')).toBeNull();
  await page.keyboard.press('Escape');
  await expect(page.getByRole('button', { name: 'Logs of rig' })).toBeFocused();
});

test('stays small with 10,000 lines, finds a line, and downloads all of them', async ({
  world,
  browserOf,
  receiver,
}) => {
  const address = await deployment(world, receiver);
  await receiver.report('RUNNING', { log_lines: numbered(1, 500) });
  for (let first = 501; first < 10_000; first += 1_000) {
    await receiver.report('RUNNING', { log_lines: numbered(first, first + 999) });
  }
  const page = await browserOf(world.people.reviewer, { viewport: { width: 390, height: 844 } });
  const { dialog, log } = await openLogs(page, address);
  await expect(dialog).toContainText('10,000 lines · live');
  // What was cut off is said on stderr, which is marked by word.
  const cut = log.getByRole('listitem').filter({ hasText: 'log truncated' });
  await expect(cut).toBeInViewport();
  await expect(cut).toContainText('stderr');
  expect(await log.getByRole('listitem').count()).toBeLessThan(200);

  await dialog.getByLabel('Search the log').fill('STEP 4321');
  await expect(dialog.getByRole('status').filter({ hasText: '1 of them match' })).toBeVisible();
  await expect(log.getByRole('listitem')).toHaveCount(1);
  await expect(log.locator('mark')).toHaveText('step 4321');
  await expectFitForAll(page);

  const download = page.waitForEvent('download');
  await dialog.getByRole('button', { name: 'Download' }).click();
  const file = await download;
  expect(file.suggestedFilename()).toMatch(/-hook-log\.txt$/);
  const lines = (await readFile(await file.path(), 'utf8')).trimEnd().split('\n');
  expect(lines).toHaveLength(10_000);
  expect(lines.find((line) => line.includes('4321'))).toMatch(/^\d{4}-\S+Z step 4321$/);
});

test('says why a log is missing, and when the server is away', async ({ world, browserOf, receiver }) => {
  const address = await deployment(world, receiver);
  await receiver.report('RUNNING', { log_lines: ['pulling the image'] });
  const page = await browserOf(world.people.reviewer);
  const requests = '**/forest.v1.ReleaseService/GetReleaseLogs**';
  await page.route(requests, (route) => route.abort());
  const { dialog, log } = await openLogs(page, address);
  await expect(dialog.getByRole('alert')).toContainText("Couldn't load the log");
  await page.unroute(requests);
  await dialog.getByRole('button', { name: 'Try again' }).click();
  await expect(log).toContainText('pulling the image');
  await page.route(requests, (route) => route.abort());
  await expect(dialog).toContainText("Can't reach the server. Showing data from");
  await expect(log).toContainText('pulling the image');
});

test('says that a queued deployment has written nothing yet', async ({ world, browserOf, receiver }) => {
  await deployment(world, receiver);
  const queued = await build(world, '2.0.0');
  await world.release(queued, 'rig');
  const page = await browserOf(world.people.reviewer);
  const { dialog } = await openLogs(page, world.page(`releases/${queued.slug}`));
  await expect(dialog).toContainText('No lines yet');
  await expect(dialog).toContainText('Queued');
  await expect(dialog.getByRole('button', { name: 'Download' })).toHaveCount(0);
});

test('has the logs of each destination, the one that failed first', async ({ world, browserOf }) => {
  await world.addDestination('production', 'broken', { fail: 'true', fail_message: 'no room' });
  const artifact = await build(world, '1.0.0');
  await world.release(artifact, 'production');
  const page = await browserOf(world.people.reviewer);
  await page.goto(world.page(`releases/${artifact.slug}`));
  await expect(page.getByRole('region', { name: 'Pipeline' })).toContainText('Failed on production');
  await page.getByRole('button', { name: 'Logs of production' }).click();
  const dialog = page.getByRole('dialog', { name: 'Logs of production' });
  await expect(dialog.getByRole('region', { name: 'Log of broken' })).toContainText('deploy of');
  await dialog.getByLabel('Destination').selectOption({ label: 'eu-west: Deployed' });
  await expect(dialog.getByRole('region', { name: 'Log of eu-west' })).toContainText('to eu-west');
});
