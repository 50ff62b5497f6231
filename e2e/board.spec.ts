import type { Page } from 'playwright/test';
import { BuildState } from '#server/gen/forest/v1/releases_pb.ts';
import { expectFitForAll } from './fit-for-all.ts';
import { becomes, build, expect, test, type World } from './fixtures.ts';
import { LINE } from './hostile-texts.ts';
import { injected } from './injected.ts';
import { poll, polledUntil } from './polling.ts';

const phone = { viewport: { width: 390, height: 844 } };
const boardOf = (world: World) => `/orgs/${world.organisation}`;
const region = (page: Page) => page.getByRole('region', { name: 'Projects', exact: true });
const table = (page: Page) => page.getByRole('region', { name: 'Projects and environments' });
const cell = (page: Page, project: string, column: number) =>
  table(page)
    .getByRole('row')
    .filter({ has: page.getByRole('rowheader').filter({ hasText: project }) })
    .getByRole('cell')
    .nth(column);
const lane = (page: Page, environment: string) =>
  page.getByRole('region', { name: environment, exact: true });

/** 1.0.0 is live in staging and production, 2.0.0 in staging; 2.0.0 waits for production. */
async function twoBuilds(world: World) {
  const [old, next] = [await build(world, '1.0.0'), await build(world, '2.0.0')];
  await world.release(old, 'staging', 'production');
  for (const name of ['staging-eu', 'eu-west', 'us-east'])
    await becomes(world, old.artifactId, name, BuildState.LIVE);
  await world.release(next, 'staging');
  await becomes(world, next.artifactId, 'staging-eu', BuildState.LIVE);
  await world.requireApprovals('production', 2);
  const intentId = await world.release(next, 'production');
  return { old, next, intentId };
}

test('the board says what is live, since when and by whom, and what waits', async ({ world, browserOf }) => {
  const { admin, author, reviewer } = world.people;
  const { next, intentId } = await twoBuilds(world);
  const { organisation } = world;
  for (const project of ['billing', 'identity'])
    await admin.api.releases.createProject({ organisation, project });
  const page = await browserOf(reviewer);
  await page.clock.install();
  await page.goto(boardOf(world));
  await expect(cell(page, 'shop', 0)).toContainText('Live: 2.0.0');
  await expect(cell(page, 'shop', 0)).toContainText(`by ${author.username}`);
  await expect(cell(page, 'shop', 0)).toContainText(/since \d\d:\d\d/);
  await expect(cell(page, 'shop', 1)).toContainText('Live: 1.0.0');
  const badge = cell(page, 'shop', 1).getByRole('link', { name: '2.0.0 Awaiting approval 0/2' });
  await expect(badge).toBeVisible();
  await expect(table(page).getByRole('rowheader')).toHaveText(['shop1 waiting']);
  await expect(region(page)).toContainText('2 projects without deployments: billing, identity');
  await region(page).getByText('2 projects without deployments').click();
  await expect(region(page).getByRole('link', { name: 'billing' })).toBeVisible();
  await expectFitForAll(page);

  // A poll brings a colleague's vote, and the focus stays.
  await badge.focus();
  await reviewer.api.policies.rejectRelease({
    project: world.project,
    releaseIntentId: intentId,
    targetEnvironment: 'production',
    comment: 'The totals are wrong.',
  });
  const rejected = cell(page, 'shop', 1).getByRole('link', {
    name: `2.0.0 Rejected by ${reviewer.username}`,
  });
  await polledUntil(page, (within) => expect(rejected).toBeVisible(within));
  await expect(rejected).toBeFocused();
  await page.keyboard.press('Enter');
  await expect(page).toHaveURL(new RegExp(`releases/${next.slug}\\?release=${intentId}#policy-requirements`));
});

test('searches projects, and shows only those that need attention', async ({ world, browserOf }) => {
  const { admin, author } = world.people;
  const { organisation } = world;
  await twoBuilds(world);
  const project = { organisation, project: 'search-indexer' };
  await admin.api.releases.createProject(project);
  const { artifact } = await author.api.releases.annotateRelease({
    project,
    context: { title: 'Index' },
    ref: { commitSha: 'abcdef0123' },
  });
  const artifactId = artifact?.artifactId ?? '';
  await author.api.releases.release({ artifactId, environments: ['staging'] });
  await expect
    .poll(async () => {
      const { rows } = await author.api.releases.getDeploymentBoard(project);
      return rows[0]?.cells[0]?.live.length;
    })
    .toBe(1);
  const page = await browserOf(author);
  await page.goto(boardOf(world));
  const projects = table(page).getByRole('rowheader');
  await expect(projects).toHaveCount(2);
  await expect(cell(page, 'search-indexer', 0)).toContainText('Live: abcdef0');
  await expect(cell(page, 'search-indexer', 1)).toHaveText('–Never deployed');
  const attention = page.getByRole('button', { name: 'Needs attention 1' });
  await attention.click();
  await expect(attention).toHaveAttribute('aria-pressed', 'true');
  await expect(projects).toHaveText([/^shop/]);
  await page.getByLabel('Search projects').fill('INDEX');
  await expect(region(page)).toContainText('No matching projects');
  await attention.click();
  await expect(projects).toHaveText([/^search-indexer/]);
  await page.getByRole('button', { name: 'Clear filters' }).click();
  await expect(projects).toHaveCount(2);
});

test('on a phone the board is a card per project, attention first', async ({ world, browserOf }) => {
  const { admin, author } = world.people;
  const { organisation } = world;
  await twoBuilds(world);
  const project = { organisation, project: 'alpha' };
  await admin.api.releases.createProject(project);
  const { artifact } = await author.api.releases.annotateRelease({
    project,
    context: { title: 'Alpha' },
    ref: { commitSha: 'abcdef0123', version: '0.4.1' },
  });
  await author.api.releases.release({
    artifactId: artifact?.artifactId ?? '',
    environments: ['staging', 'production'],
  });
  await becomesLiveEverywhere(world, project);
  const page = await browserOf(author, phone);
  await page.goto(boardOf(world));
  await expect(table(page)).toHaveCount(0);
  const cards = region(page).getByRole('list', { name: 'Projects', exact: true }).locator('> li');
  await expect(cards).toHaveText([/^shop1 waiting/, /^alpha0\.4\.1 everywhere/]);
  const lines = page.getByRole('list', { name: 'Environments of shop' }).locator('> li');
  await expect(lines.nth(1)).toContainText('production');
  await expect(lines.nth(1)).toContainText('2.0.0 Awaiting approval 0/2');
  const line = lines.nth(1).getByRole('link').first();
  expect((await line.boundingBox())?.height).toBeGreaterThanOrEqual(44);
  await expectFitForAll(page);
  await line.click();
  await expect(page).toHaveURL(/\/projects\/shop#env-production$/);
  await expect(lane(page, 'production')).toBeInViewport();
});

test('a bypass is said on a phone as on a wide board', async ({ world, browserOf }) => {
  const { admin, author } = world.people;
  await world.requireApprovals('staging', 1);
  const made = await build(world, '1.0.0');
  await admin.api.policies.approveRelease({
    project: world.project,
    releaseIntentId: await world.release(made, 'staging'),
    targetEnvironment: 'staging',
    forceBypass: true,
    comment: 'The shop is down.',
  });
  await becomes(world, made.artifactId, 'staging-eu', BuildState.LIVE);
  const page = await browserOf(author);
  await page.goto(boardOf(world));
  const words = new RegExp(`Live: 1\\.0\\.0.*since .* · Bypassed by ${admin.username}`);
  await expect(cell(page, 'shop', 0)).toHaveText(words);
  await page.setViewportSize(phone.viewport);
  const lines = page.getByRole('list', { name: 'Environments of shop' }).locator('> li');
  await expect(lines.first()).toHaveText(words);
  await expectFitForAll(page);
});

const becomesLiveEverywhere = (world: World, project: World['project']) =>
  expect
    .poll(async () => {
      const { rows } = await world.people.author.api.releases.getDeploymentBoard(project);
      return rows[0]?.cells.map(({ places }) => places.every((place) => place.liveArtifactId));
    })
    .toEqual([true, true]);

test('says what failed, and what each destination runs then', async ({ world, browserOf }) => {
  const { admin, author } = world.people;
  const [old, next] = [await build(world, '1.0.0'), await build(world, '2.0.0')];
  await world.release(old, 'production');
  for (const name of ['eu-west', 'us-east']) await becomes(world, old.artifactId, name, BuildState.LIVE);
  const { organisation } = world;
  await admin.api.destinations.updateDestination({
    organisation,
    name: 'us-east',
    metadata: { fail: 'true' },
  });
  await world.release(next, 'production');
  await becomes(world, next.artifactId, 'us-east', BuildState.FAILED);
  const page = await browserOf(author);
  await page.goto(boardOf(world));
  await expect(cell(page, 'shop', 1)).toContainText('2.0.0 on eu-west, 1.0.0 on us-east');
  await expect(cell(page, 'shop', 1)).toContainText('2.0.0 Failed on us-east');
  await expect(table(page).getByRole('rowheader')).toContainText('1 failed');
  await page.goto(world.page());
  await expect(lane(page, 'production')).toContainText('2.0.0 Failed on us-east');
  await expectFitForAll(page);
});

test('the board keeps its data while the server is away, and recovers', async ({ world, browserOf }) => {
  await twoBuilds(world);
  const page = await browserOf(world.people.reviewer);
  await page.clock.install();
  await page.goto(boardOf(world));
  await expect(cell(page, 'shop', 1)).toContainText('1.0.0');
  await page.route(/GetDeploymentBoard/, (route) => route.abort('connectionrefused'));
  const bar = page.getByRole('status').filter({ hasText: "Can't reach the server" });
  await polledUntil(page, (within) => expect(bar).toBeVisible(within));
  await expect(cell(page, 'shop', 1)).toContainText('1.0.0');
  await page.unroute(/GetDeploymentBoard/);
  await polledUntil(page, (within) => expect(bar).toBeHidden(within));
});

test('has words for an organisation without projects, and for a failed load', async ({
  newcomer,
  browserOf,
}) => {
  const founder = await newcomer();
  const name = `${founder.username}-org`;
  await founder.api.organisations.createOrganisation({ name });
  const page = await browserOf(founder);
  await page.goto(`/orgs/${name}`);
  await expect(region(page)).toContainText('No projects yet');
  await expect(region(page)).toContainText('A project is a service, app or library that you release.');
  await region(page).getByRole('button', { name: 'Create project' }).click();
  await expect(page.getByRole('dialog')).toBeVisible();
  await page.route(/GetDeploymentBoard/, (route) => route.fulfill({ status: 500, body: 'no' }));
  await page.goto(`/orgs/${name}`);
  await expect(page.getByRole('heading', { level: 1 })).toBeVisible();
  await page.unroute(/GetDeploymentBoard/);
  await page.getByRole('button', { name: 'Try again' }).click();
  await expect(region(page)).toContainText('No projects yet');
});

test('a project has a lane per environment: live, in motion, previous', async ({ world, browserOf }) => {
  const { author, reviewer } = world.people;
  const { next, intentId } = await twoBuilds(world);
  await reviewer.api.policies.rejectRelease({
    project: world.project,
    releaseIntentId: intentId,
    targetEnvironment: 'production',
    comment: 'The totals are wrong.',
  });
  const page = await browserOf(author);
  await page.clock.install();
  await page.goto(world.page());
  const [staging, production] = [lane(page, 'staging'), lane(page, 'production')];
  await expect(staging).toContainText('Live 2.0.0');
  await expect(staging).toContainText('1 destination');
  await expect(staging).toContainText('Nothing waiting');
  await expect(staging).toContainText('Previous 1.0.0');
  await expect(production).toContainText('Live 1.0.0');
  await expect(production).toContainText('2 destinations');
  await expect(production).toContainText(`2.0.0 Rejected by ${reviewer.username} · Awaiting approval 0/2`);
  await expect(production).not.toContainText('Previous');
  await expectFitForAll(page);
  await production.getByRole('link', { name: /Rejected by/ }).click();
  await expect(page).toHaveURL(new RegExp(`releases/${next.slug}\\?release=${intentId}#policy-requirements`));
  await page.goBack();
  await staging.getByRole('button', { name: 'Roll back…' }).click();
  const dialog = page.getByRole('dialog', { name: 'Roll back staging' });
  await expect(dialog).toContainText('To 1.0.0');
  await expect(dialog).toContainText('Rollback: replaces 2.0.0, which is newer');
  await expectFitForAll(page);
  await dialog.getByRole('button', { name: 'Roll back', exact: true }).click();
  await polledUntil(page, (within) => expect(staging).toContainText('Live 1.0.0', within));
});

test('on a phone lanes fold to two lines; the one in motion is open', async ({ world, browserOf }) => {
  await twoBuilds(world);
  const page = await browserOf(world.people.author, phone);
  await page.goto(world.page());
  const fold = (environment: string) => lane(page, environment).getByRole('button', { name: environment });
  await expect(fold('production')).toHaveAttribute('aria-expanded', 'true');
  await expect(fold('staging')).toHaveAttribute('aria-expanded', 'false');
  await expect(lane(page, 'staging')).toContainText('2.0.0');
  const more = lane(page, 'staging').getByText('1 destination');
  await expect(more).toBeHidden();
  await fold('staging').click();
  await expect(more).toBeVisible();
  await expectFitForAll(page);
});

test('lanes and releases fail apart', async ({ world, browserOf }) => {
  await twoBuilds(world);
  const page = await browserOf(world.people.author);
  await page.route(/GetDeploymentBoard/, (route) => route.fulfill({ status: 500, body: 'no' }));
  await page.goto(world.page());
  await expect(page.getByText("Couldn't load environments")).toBeVisible();
  await expect(page.getByRole('link', { name: 'Version 1.0.0' })).toBeVisible();
  await page.unroute(/GetDeploymentBoard/);
  await page.getByRole('button', { name: 'Try again' }).click();
  await expect(lane(page, 'staging')).toContainText('2.0.0');
});

test('hostile texts stay inert on the board and in the lanes', async ({ world, browserOf }) => {
  const { artifact } = await world.people.author.api.releases.annotateRelease({
    project: world.project,
    context: { title: LINE },
    ref: { commitSha: '5f0c1d2e', branch: LINE.slice(0, 100), version: LINE.slice(0, 100) },
  });
  await world.people.author.api.releases.release({
    artifactId: artifact?.artifactId ?? '',
    environments: ['staging'],
  });
  await becomes(world, artifact?.artifactId ?? '', 'staging-eu', BuildState.LIVE);
  const page = await browserOf(world.people.reviewer);
  for (const address of [boardOf(world), world.page()]) {
    await page.goto(address);
    await expect(page.getByText(/since \d/).first()).toBeVisible();
    expect(await injected(page)).toEqual([]);
  }
});

test('a poll that changes nothing renders nothing', async ({ world, browserOf }) => {
  await twoBuilds(world);
  const page = await browserOf(world.people.reviewer);
  await page.clock.install();
  const boardIsPolled = async () => {
    const answered = page.waitForResponse(/GetDeploymentBoard/);
    await poll(page);
    await (await answered).finished();
  };
  for (const address of [boardOf(world), world.page()]) {
    await page.goto(address);
    await expect(page.getByText('Awaiting approval 0/2').first()).toBeVisible();
    // Another poll may still bring what has just changed.
    await boardIsPolled();
    await page.evaluate(`window.changes = [];
      new MutationObserver((records) => {
        // Times go on by themselves.
        for (const { target } of records)
          if (!target.parentElement?.closest('time')) window.changes.push(target.nodeName);
      }).observe(document.getElementById('main'), { subtree: true, childList: true, characterData: true, attributes: true });`);
    await boardIsPolled();
    await boardIsPolled();
    expect(await page.evaluate('window.changes')).toEqual([]);
  }
});

test('renders more of a long board as the reader comes near its end', async ({ world, browserOf }) => {
  const environments = ['dev', 'test', 'qa', 'load', 'staging', 'canary', 'production', 'archive'];
  const row = (n: number) => ({
    project: `project-${String(n).padStart(3, '0')}`,
    cells: environments.map((environment) => ({
      environment,
      live: [{ artifactId: `a${n}`, slug: `b${n}`, version: `1.${n}`, since: '2026-11-24T10:12:00.000Z' }],
      places: [{ destination: `${environment}-eu`, liveArtifactId: `a${n}`, requestedBy: 'author' }],
    })),
  });
  const page = await browserOf(world.people.reviewer);
  await page.route(/GetDeploymentBoard/, (route) => {
    const after = Number(/"pageToken":"(\d+)"/.exec(decodeURIComponent(route.request().url()))?.[1] ?? 0);
    const rows = Array.from({ length: 50 }, (_, index) => row(after + index));
    return route.fulfill({ json: { rows, ...(after < 150 && { nextPageToken: String(after + 50) }) } });
  });
  await page.goto(boardOf(world));
  const rows = table(page).locator('tbody tr');
  await expect(table(page).getByRole('table')).toHaveAttribute('aria-rowcount', '201');
  expect(await rows.count()).toBeLessThan(50);
  // Found without scrolling, and by scrolling.
  await page.getByLabel('Search projects').fill('project-199');
  await expect(rows).toHaveText([/^project-199/]);
  await page.getByRole('button', { name: 'Clear filters' }).click();
  await expect(async () => {
    await rows.last().scrollIntoViewIfNeeded();
    await expect(rows.last()).toContainText('project-199', { timeout: 50 });
  }).toPass({ intervals: [50] });
  await expect(page.getByRole('button', { name: 'Show more projects' })).toHaveCount(0);
  // The head and the first column stay in view.
  await table(page).evaluate('(element) => element.scrollBy(400, 0)');
  await expect(table(page).getByRole('columnheader', { name: 'Project', exact: true })).toBeInViewport();
  const header = await rows.last().getByRole('rowheader').boundingBox();
  expect(header?.x).toBeGreaterThanOrEqual(0);
});
