import { readFile } from 'node:fs/promises';
import type { Download, Page } from 'playwright/test';
import { expect, test, type World } from './fixtures.ts';
import { expectNoFaults, overhang } from './page-faults.ts';

const address = (world: World, search = '') => `/orgs/${world.organisation}/history${search}`;
const entries = (page: Page) => page.getByRole('list', { name: 'History' }).getByRole('listitem');
/** Sign-ins, which the list leaves out at first. */
const everything = '?kind=all';
const filters = (page: Page) => page.getByRole('search', { name: 'History' });

const colourOf = (page: Page) => page.evaluate<string>('getComputedStyle(document.body).backgroundColor');

async function textOf(download: Download): Promise<string> {
  return readFile(await download.path(), 'utf8');
}

test('lists the newest entries first, with values before and after', async ({ world, browserOf }) => {
  const { admin, reviewer } = world.people;
  await world.requireApprovals('production', 1, 'four-eyes');
  await admin.api.policies.updatePolicy({
    project: world.project,
    name: 'four-eyes',
    config: { case: 'approval', value: { targetEnvironment: 'production', requiredApprovals: 2 } },
  });
  const page = await browserOf(reviewer);
  await page.goto(address(world, everything));
  // The newest entry is the reviewer's own sign-in, which the list leaves out at first.
  await expect(entries(page).first()).toContainText(`${reviewer.username} signed in`);
  await filters(page).getByLabel('Kind').selectOption('All but sign-ins');
  await expect(entries(page).filter({ hasText: 'signed in' })).toHaveCount(0);
  const newest = entries(page).filter({ hasText: ' policy ' }).first();
  await expect(newest).toContainText(
    `${admin.username} changed policy four-eyes in shop: required approvals 1 → 2`,
  );
  await newest.getByRole('button', { name: '1 changed' }).click();
  await expect(newest.getByRole('term')).toHaveText(/required approvals/);
  await expect(newest.getByRole('definition')).toHaveText(/was 1.*is 2/);
  await expect(newest.getByRole('link', { name: 'four-eyes' })).toHaveAttribute(
    'href',
    `/orgs/${world.organisation}/projects/shop/policies/four-eyes`,
  );
  await expect(entries(page).filter({ hasText: ' policy ' }).nth(1)).toContainText(
    'created policy four-eyes',
  );
  await expect(entries(page).filter({ hasText: 'added' }).first()).toContainText(
    `${admin.username} added member ${world.people.reviewerTwo.username}`,
  );
});

test('shows votes with title, version and comment, and why a gate opened', async ({ world, browserOf }) => {
  const { reviewer, reviewerTwo } = world.people;
  const gated = await world.gated();
  await gated.approve(reviewer, 'Read and tried in staging.');
  await gated.approve(reviewerTwo, '<b>Fine</b>\u202e');
  const page = await browserOf(reviewer);
  await page.goto(address(world, '?kind=decisions'));
  await expect(entries(page)).toHaveCount(3);
  await expect(entries(page).first()).toContainText('Production opened for shop 1.4.0');
  await expect(entries(page).first()).toContainText('2/2 approvals');
  await expect(entries(page).nth(1)).toContainText('“<b>Fine</b>⟨U+202E⟩”');
  const vote = entries(page).nth(2);
  await expect(vote).toContainText(
    `${reviewer.username} approved shop 1.4.0 Round totals half up for production`,
  );
  await expect(vote).toContainText('“Read and tried in staging.”');
  await expect(vote.getByRole('time')).toHaveText(/^\d\d:\d\d$/);
  await vote.getByRole('link', { name: 'shop 1.4.0' }).click();
  await expect(page.getByRole('heading', { level: 1, name: 'Round totals half up' })).toBeVisible();
});

test('prints all rows with exact times, without controls, in light colours', async ({ world, browserOf }) => {
  await Promise.all(Array.from({ length: 50 }, (_, index) => world.annotate({ title: `Build ${index}` })));
  const page = await browserOf(world.people.admin, { colorScheme: 'dark' });
  await page.goto(address(world));
  await page.getByRole('button', { name: 'Load more history' }).click();
  await expect(page.getByRole('button', { name: 'Load more history' })).toHaveCount(0);
  const count = await entries(page).count();
  expect(count).toBeGreaterThan(50);
  const screenColour = await colourOf(page);

  await page.emulateMedia({ media: 'print' });
  await expect(page.getByText(`${count} entries shown`, { exact: true }).last()).toBeVisible();
  for (const control of ['banner', 'search', 'button'] as const)
    await expect(page.getByRole(control)).toHaveCount(0);
  expect(await colourOf(page)).not.toBe(screenColour);
  const link = entries(page).first().getByRole('link').first();
  await expect(link).toHaveCSS('text-decoration-line', 'none');
  const time = entries(page).first().getByRole('time');
  await expect(time.getByText(/^\d\d:\d\d$/)).toBeHidden();
  const shownTime = await page.evaluate(
    `getComputedStyle(document.querySelector('li time'), '::after').content`,
  );
  expect(shownTime).toMatch(/^"\w+day,? \d+ \w+ \d{4} at \d\d:\d\d:\d\d /);
  // A row is not split, a day's heading stays with its first row, and no row leaves a gap.
  await expect(entries(page).first()).toHaveCSS('break-inside', 'avoid');
  await expect(page.getByRole('heading', { level: 3 }).first()).toHaveCSS('break-after', 'avoid');
  const gaps = await page
    .getByRole('list', { name: 'History' })
    .first()
    .evaluate((list) => {
      const boxes = [...list.children].map((row) => row.getBoundingClientRect());
      return boxes.map(({ top, height }, index) => ({
        empty: height < 20,
        gap: Math.round(top - (boxes[index - 1]?.bottom ?? top)),
      }));
    });
  expect(gaps.filter(({ empty, gap }) => empty || gap !== 0)).toEqual([]);
});

test('an environment in a row leads to its lane on the project page', async ({ world, browserOf }) => {
  const gated = await world.gated(1);
  await gated.approve(world.people.reviewer);
  const page = await browserOf(world.people.reviewer);
  await page.goto(address(world, '?kind=decisions'));
  const vote = entries(page).filter({ hasText: 'approved shop' });
  await vote.getByRole('link', { name: 'production' }).click();
  await expect(page).toHaveURL(`${world.page()}#env-production`);
  await expect(page.locator('#env-production')).toBeVisible();
});

test('keeps filters in the address', async ({ world, browserOf }) => {
  const { admin, author } = world.people;
  await world.requireApprovals('production', 1, 'four-eyes');
  await world.annotate({ title: 'Round half up' });
  const page = await browserOf(world.people.reviewer);
  await page.goto(address(world));
  await expect(entries(page).first()).toBeVisible();
  await filters(page).getByLabel('Kind').selectOption('policy.created');
  await expect(entries(page)).toHaveText([/created policy four-eyes/]);
  expect(new URL(page.url()).search).toBe('?kind=policy.created');
  await filters(page).getByRole('button', { name: 'More filters' }).click();
  await filters(page).getByLabel('Person').selectOption(author.username);
  await expect(filters(page).getByRole('button', { name: 'More filters (1)' })).toBeVisible();
  await expect(page.getByText('No matching entries')).toBeVisible();
  await page.goBack();
  await expect(entries(page)).toHaveText([/created policy four-eyes/]);
  await page.goForward();
  await expect(page.getByText('No matching entries')).toBeVisible();
  await filters(page).getByLabel('Kind').selectOption('All releases');
  await expect(entries(page)).toHaveText([/annotated/]);
  await page.reload();
  await expect(entries(page)).toHaveText([/annotated/]);
  await page.getByRole('button', { name: 'Clear filters' }).click();
  await expect(page.getByRole('button', { name: 'Clear filters' })).toHaveCount(0);
  await filters(page).getByLabel('Project').selectOption('shop');
  await expect(entries(page).filter({ hasText: 'created environment' })).toHaveCount(0);
  await expect(entries(page).filter({ hasText: `${admin.username} created policy` })).toHaveCount(1);
});

test('filters by local days, and ignores invalid values in the address', async ({ world, browserOf }) => {
  const page = await browserOf(world.people.reviewer);
  const today = new Date().toISOString().slice(0, 10);
  await page.goto(address(world, `?from=${today}&to=${today}`));
  await expect(entries(page).filter({ hasText: 'created project shop' })).toHaveCount(1);
  await filters(page).getByLabel('To').fill('2020-01-01');
  await expect(page.getByText('No matching entries')).toBeVisible();
  await page.goto(address(world, '?from=2026-02-31&person=unknown&project=%00&kind=comet.sighted'));
  await expect(entries(page).filter({ hasText: 'created project shop' })).toHaveCount(1);
  await expect(page.getByRole('button', { name: 'Clear filters' })).toHaveCount(0);
});

test('downloads all matching entries as CSV and JSON lines', async ({ world, browserOf }) => {
  const { admin } = world.people;
  await admin.api.environments.createEnvironment({
    organisation: world.organisation,
    name: 'load-test',
    description: 'a "quoted", line\nand another',
    sortOrder: 3,
  });
  const page = await browserOf(admin);
  await page.goto(address(world, '?kind=environment.created'));
  await expect(entries(page)).toHaveCount(3);
  const csv = page.waitForEvent('download');
  await page.getByRole('button', { name: 'Download CSV' }).click();
  expect((await csv).suggestedFilename()).toBe(`${world.organisation}-history.csv`);
  const table = await textOf(await csv);
  expect(table.trimEnd().split('\r\n')).toHaveLength(4);
  expect(table).toContain('sequence,at,kind,actor_username');
  expect(table).toMatch(/^"\d+","[^"]+","environment\.created",.*,"load-test",/m);
  await expect(page.getByText('3 entries downloaded')).toBeVisible();

  const lines = page.waitForEvent('download');
  await page.getByRole('button', { name: 'Download JSON lines' }).click();
  const parsed = (await textOf(await lines))
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line));
  expect(parsed.map(({ content }) => [content.kind, content.subject])).toEqual([
    ['environment.created', 'staging'],
    ['environment.created', 'production'],
    ['environment.created', 'load-test'],
  ]);
  expect(parsed[2].content.after.description).toBe('a "quoted", line\nand another');
  expect(parsed[2].hash).toMatch(/^[0-9a-f]{64}$/);
});

test('shows the credential, address and hash of an entry', async ({ world, browserOf }) => {
  const page = await browserOf(world.people.admin);
  await page.goto(address(world, '?kind=project.created'));
  const entry = entries(page).first();
  await entry.getByRole('button', { name: 'Details' }).click();
  const proof = entry.getByRole('list', { name: 'Proof' });
  await expect(proof).toContainText('credential login');
  await expect(proof).toContainText('from 127.0.0.1');
  await expect(proof).toContainText(/request [0-9a-f-]{36}/);
  await expect(proof).toContainText(/hash [0-9a-f]{64}/);
});

test('an admin verifies the history and gets its head', async ({ world, browserOf }) => {
  const { admin, reviewer } = world.people;
  const page = await browserOf(admin);
  await page.goto(address(world));
  const record = page.getByRole('region', { name: 'Entries' });
  await record.getByRole('button', { name: 'Verify history' }).click();
  const { organisation } = world;
  const found = await admin.api.policies.verifyHistory({ organisation });
  await expect(record.getByRole('status')).toContainText(`Verified ${found.entries} entries.`);
  await expect(record.getByText(`${found.entries} ${found.headHash}`)).toBeVisible();
  await expect(record.getByRole('button', { name: 'Copy head' })).toBeVisible();

  // The server's answer after the database was edited by hand, which history-chain.test.ts tests.
  await page.route(/VerifyHistory/, (route) =>
    route.fulfill({
      json: { entries: '3', headHash: 'ab', firstBadSequence: '4', problem: 'entry 4 is missing' },
    }),
  );
  await record.getByRole('button', { name: 'Verify history' }).click();
  await expect(record.getByRole('alert')).toHaveText(
    'History verification failed: entry 4 is missing. Entries up to 3 are valid.',
  );
  await page.route(/VerifyHistory/, (route) => route.abort('connectionrefused'));
  await record.getByRole('button', { name: 'Verify history' }).click();
  await expect(record.getByRole('alert')).toContainText("Couldn't verify the history.");

  const other = await browserOf(reviewer);
  await other.goto(address(world));
  await expect(entries(other).first()).toBeVisible();
  await expect(other.getByRole('button', { name: /Verify history|Download/ })).toHaveCount(0);
});

test('a download shows progress, can be cancelled, and reports a failure', async ({ world, browserOf }) => {
  const page = await browserOf(world.people.admin);
  await page.goto(address(world));
  await expect(entries(page).first()).toBeVisible();
  const held: (() => Promise<void>)[] = [];
  await page.route(/ExportHistory/, (route) => {
    held.push(() => route.abort('connectionrefused'));
  });
  await page.getByRole('button', { name: 'Download CSV' }).click();
  await expect(page.getByText('Downloading the whole history: 0 entries so far…')).toBeVisible();
  await page.getByRole('button', { name: 'Cancel' }).click();
  await expect(page.getByText('Download cancelled. Nothing was saved.')).toBeVisible();
  await expect(page.getByText('0 entries so far…')).toHaveCount(0);
  await page.getByRole('button', { name: 'Download JSON lines' }).click();
  await expect.poll(() => held.length).toBe(2);
  await held[1]?.();
  await expect(page.getByRole('alert')).toContainText("Couldn't download the history.");
});

test('retries a filter that failed to load', async ({ world, browserOf }) => {
  const page = await browserOf(world.people.reviewer);
  await page.goto(address(world));
  await expect(entries(page).first()).toBeVisible();
  await page.route(/ListHistory/, (route) => route.abort('connectionrefused'));
  await filters(page).getByLabel('Kind').selectOption('project.created');
  const failed = page.getByRole('alert');
  await expect(failed).toContainText("Couldn't load history", { timeout: 40_000 });
  await page.unroute(/ListHistory/);
  await failed.getByRole('button', { name: 'Try again' }).click();
  await expect(entries(page)).toHaveText([/created project shop/]);
});

test('the history is accessible and fits 320 pixels', async ({ world, browserOf }) => {
  await world.people.admin.api.environments.createEnvironment({
    organisation: world.organisation,
    name: `a-name-${'that-is-long-'.repeat(6)}`,
    description: 'withoutaspace'.repeat(700),
    sortOrder: 9,
  });
  for (const colorScheme of ['light', 'dark'] as const) {
    const page = await browserOf(world.people.admin, { colorScheme, reducedMotion: 'reduce' });
    await page.goto(address(world));
    await entries(page).first().getByRole('button', { name: 'Details' }).click();
    await expect(entries(page).first().getByRole('term').first()).toBeVisible();
    await expectNoFaults(page, colorScheme);
    await page.setViewportSize({ width: 320, height: 640 });
    expect(await overhang(page)).toBeLessThanOrEqual(0);
  }
});
