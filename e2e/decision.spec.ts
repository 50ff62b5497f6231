import type { Page } from 'playwright/test';
import { BuildState } from '#server/gen/forest/v1/releases_pb.ts';
import { expectFitForAll } from './fit-for-all.ts';
import { becomes, build, expect, test, type World } from './fixtures.ts';
import { expectNoFaults } from './page-faults.ts';

const requirements = (page: Page) => page.getByRole('region', { name: 'Policy Requirements' });
const button = (page: Page, name: string) => page.getByRole('button', { name, exact: true });
const sentence = (page: Page) => page.getByRole('main').getByRole('status').first();
const bar = (page: Page) => page.locator('[data-bar]');

/** A release with a long title and a description that waits for two of three approvals; another build is live. */
async function waiting(world: World) {
  const { author, reviewerTwo } = world.people;
  const live = await build(world, '1.4.2');
  await world.release(live, 'production');
  await becomes(world, live.artifactId, 'us-east', BuildState.LIVE);
  await world.requireApprovals('production', 3);
  await world.soak('staging', 'production', 3600n);
  const { artifact } = await author.api.releases.annotateRelease({
    project: world.project,
    context: {
      title:
        'Show delivery dates on the product page, and say on the page of the basket which of them are estimates of the carrier',
      description: 'The carrier sends dates with each offer. '.repeat(30),
    },
    ref: { commitSha: '5f0c1d2e3b4a59687786a5b4c3d2e1f001234567', branch: 'main', version: '1.5.0' },
  });
  if (!artifact) throw new Error('AnnotateRelease returned no artifact');
  const releaseIntentId = await world.release(artifact, 'production');
  await reviewerTwo.api.policies.approveRelease({
    project: world.project,
    releaseIntentId,
    targetEnvironment: 'production',
    comment: 'Looks good; a second pair of eyes should read the query of the carrier. '.repeat(3),
  });
  return { address: world.page(`releases/${artifact.slug}`), releaseIntentId };
}

for (const [width, height] of [
  [1280, 800],
  [768, 1024],
  [390, 844],
] as const) {
  test(`shows the change and the way to approve it in the first ${width} × ${height} pixels`, async ({
    world,
    browserOf,
  }) => {
    const { address } = await waiting(world);
    const page = await browserOf(world.people.reviewer, { viewport: { width, height } });
    await page.goto(address);
    await expect(page.getByText(/1\.4\.2 \(live since/)).toBeInViewport({ ratio: 1 });
    await expect(sentence(page)).toBeInViewport({ ratio: 1 });
    const decision = button(page, width < 1024 ? 'Review' : 'Approve');
    await expect(decision).toBeInViewport({ ratio: 1 });
    // And still there when the page has been scrolled.
    await page.mouse.move(100, 300);
    await page.mouse.wheel(0, 5_000);
    await expect.poll(() => page.evaluate<number>('scrollY')).toBeGreaterThan(0);
    await expect(decision).toBeInViewport({ ratio: 1 });
  });
}

test('says in one sentence what the release waits for and where it is live', async ({ world, browserOf }) => {
  const { author, reviewer, reviewerTwo } = world.people;
  const gated = await world.gated(2);
  const [authorPage, page] = [await browserOf(author), await browserOf(reviewer)];
  await authorPage.goto(gated.address);
  await expect(sentence(authorPage)).toContainText('Awaiting approval for production: 0 of 2.');
  await page.goto(gated.address);
  await expect(sentence(page)).toHaveText(
    'Awaiting approval for production: 0 of 2 approvals · you can approve',
  );
  await button(page, 'Approve').click();
  await expect(sentence(page)).toContainText(/You approved production at \d\d:\d\d\. 1 more approval needed/);
  await gated.approve(reviewerTwo);
  await expect(sentence(page)).toHaveText(
    new RegExp(
      `Live on production since \\d\\d:\\d\\d, approved by ${reviewer.username} and ${reviewerTwo.username}\\.`,
    ),
  );
});

test('shows the same comment and vote in the sheet of a narrow window', async ({ world, browserOf }) => {
  const { address } = await world.gated(2);
  const page = await browserOf(world.people.reviewer, { viewport: { width: 390, height: 844 } });
  await page.goto(address);
  await expect(bar(page)).toContainText('0 of 2 approvals · production');
  const sheet = page.getByRole('dialog', { name: 'Review for production' });
  await button(page, 'Review').click();
  await expect(sheet.getByRole('heading', { name: 'Review for production' })).toBeFocused();
  await expect(sheet).toContainText(`shop 1.4.0 · main · 5f0c1d2 · by ${world.people.author.username}`);
  await expect(sheet).toContainText('Nothing is live yet.');
  await sheet.getByLabel('Comment').fill('Read on the train');
  await expectFitForAll(page);
  await page.keyboard.press('Escape');
  await expect(sheet).toBeHidden();
  await expect(button(page, 'Review')).toBeFocused();
  await expect(requirements(page).getByLabel('Comment')).toHaveValue('Read on the train');
  await button(page, 'Review').click();
  await sheet.getByRole('button', { name: 'Approve' }).click();
  await expect(sheet).toBeHidden();
  await expect(bar(page)).toContainText('You approved · 1 of 2 approvals · production');
  await expect(requirements(page)).toContainText('Read on the train');
  await expectFitForAll(page);
});

test('sends no vote on a single key, and approves on Ctrl+Enter in the comment', async ({
  world,
  browserOf,
}) => {
  const { address } = await world.gated(2);
  const page = await browserOf(world.people.reviewer);
  await page.goto(address);
  const comment = requirements(page).getByLabel('Comment');
  await expect(comment).toBeVisible();
  for (const key of ['a', 'r', 'x', 'Enter', 'Control+Enter']) await page.keyboard.press(key);
  await comment.pressSequentially('Read it.');
  await page.keyboard.press('Enter');
  await comment.pressSequentially('And tried it.');
  await expect(comment).toHaveValue('Read it.\nAnd tried it.');
  await page.waitForResponse(/GetReleaseRequirements/);
  await expect(requirements(page)).toContainText('0/2 approvals');
  await page.keyboard.press('Control+Enter');
  await expect(requirements(page)).toContainText('1/2 approvals');
  await expect(requirements(page)).toContainText('And tried it.');
});

test('leads from the start of the page to the decision', async ({ world, browserOf }) => {
  const { address } = await world.gated();
  const page = await browserOf(world.people.reviewer);
  await page.goto(address);
  await expect(button(page, 'Approve')).toBeVisible();
  await page.keyboard.press('Tab');
  await page.keyboard.press('Tab');
  await expect(page.getByRole('link', { name: 'Skip to decision' })).toBeFocused();
  await page.keyboard.press('Enter');
  await page.keyboard.press('Tab');
  await expect(requirements(page).getByLabel('Comment')).toBeFocused();
  // Nobody is led to a decision that they cannot take.
  const authorPage = await browserOf(world.people.author);
  await authorPage.goto(address);
  await expect(requirements(authorPage)).toContainText('You cannot approve your own release.');
  await expect(authorPage.getByRole('link', { name: 'Skip to decision' })).toHaveCount(0);
});

/** How many files of the dashboard the page has loaded. */
const filesOf = (page: Page) =>
  page.evaluate<number>(
    "performance.getEntriesByType('resource').filter(({ name }) => name.includes('/assets/')).length",
  );

for (const width of [1280, 390]) {
  test(`moves nothing and opens dialogs while the server is away, ${width} pixels wide`, async ({
    world,
    browserOf,
  }) => {
    const { address } = await world.gated();
    const page = await browserOf(world.people.admin, { viewport: { width, height: 800 } });
    await page.goto(address);
    const atFirst = await filesOf(page);
    await expect(page.getByText('Nothing is live yet')).toBeVisible();
    await requirements(page).getByLabel('Comment').fill('Before the tunnel');
    // Dialogs are loaded in advance.
    await expect.poll(() => filesOf(page)).toBeGreaterThan(atFirst + 3);
    await page.waitForLoadState('networkidle');
    const top = () =>
      page.evaluate<number>(
        "document.querySelector('[aria-label=Stages]').getBoundingClientRect().top + scrollY",
      );
    const before = await top();
    await page.context().setOffline(true);
    await expect(sentence(page)).toContainText(/Can't reach the server\. Showing data from \d\d:\d\d\./);
    expect(await top()).toBe(before);
    await button(page, 'Bypass (Admin)').click();
    const dialog = page.getByRole('alertdialog', { name: 'Bypass approval?' });
    await dialog.getByLabel('Reason').fill('Payments are down.');
    await dialog.getByRole('button', { name: 'Bypass approval' }).click();
    await expect(dialog.getByRole('alert')).toContainText("Can't reach the server");
    await expect(dialog.getByLabel('Reason')).toHaveValue('Payments are down.');
    await dialog.getByRole('button', { name: 'Cancel' }).click();
    await expect(requirements(page).getByLabel('Comment')).toHaveValue('Before the tunnel');
    await page.context().setOffline(false);
    await expect(sentence(page)).toContainText('Awaiting approval for production');
    expect(await top()).toBe(before);
  });
}

test('keeps the verdicts with which a gate opened, and shows only the decisions of a cancelled release', async ({
  world,
  browserOf,
}) => {
  const { author, reviewer } = world.people;
  const gated = await world.gated(1);
  await gated.approve(reviewer, 'Fine by me.');
  await becomes(world, gated.artifact.artifactId, 'us-east', BuildState.LIVE);
  await world.soak('staging', 'production', 3600n);
  const page = await browserOf(reviewer);
  await page.goto(gated.address);
  await expect(requirements(page)).toContainText(/Opened \d\d:\d\d · 1\/1 passed/);
  await expect(requirements(page)).not.toContainText('Soak Time');

  const next = await build(world, '2.0.0');
  const releaseIntentId = await world.release(next, 'production');
  await reviewer.api.policies.rejectRelease({
    project: world.project,
    releaseIntentId,
    targetEnvironment: 'production',
    comment: 'Not on a Friday.',
  });
  await page.goto(world.page(`releases/${next.slug}`));
  await expect(sentence(page)).toContainText(
    `Rejected by ${reviewer.username}: “Not on a Friday.” production has`,
  );
  await author.api.releases.cancelRelease({ releaseIntentId, reason: 'Monday is better' });
  await expect(sentence(page)).toHaveText('Cancelled: Monday is better.');
  await expect(requirements(page)).toContainText('This deployment was cancelled.');
  await expect(requirements(page)).toContainText('Not on a Friday.');
  await expect(requirements(page)).not.toContainText('passed');
  await expect(requirements(page)).not.toContainText('Soak Time');
});

test('passes axe with votes, a soak and the bypass dialog, for an admin and for the author', async ({
  world,
  browserOf,
}) => {
  const { address } = await waiting(world);
  const page = await browserOf(world.people.admin);
  await page.goto(address);
  await expect(button(page, 'Bypass (Admin)')).toBeVisible();
  await expectFitForAll(page);
  await button(page, 'Bypass (Admin)').click();
  await expect(page.getByRole('alertdialog')).toContainText('This skips 2 of 3 approvals for production.');
  for (const colorScheme of ['light', 'dark'] as const) {
    await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' });
    await expectNoFaults(page, colorScheme, '[role=alertdialog]');
  }
  const authorPage = await browserOf(world.people.author);
  await authorPage.goto(address);
  await expect(requirements(authorPage)).toContainText('You cannot approve your own release.');
  await expectFitForAll(authorPage);
});

for (const width of [1280, 390]) {
  test(`shifts little while it loads over a slow network, ${width} pixels wide`, async ({
    world,
    browserOf,
  }) => {
    const { address } = await waiting(world);
    const page = await browserOf(world.people.reviewer, { viewport: { width, height: 800 } });
    const protocol = await page.context().newCDPSession(page);
    await protocol.send('Network.enable');
    const network = { offline: false, latency: 250, downloadThroughput: -1, uploadThroughput: -1 };
    await protocol.send('Network.emulateNetworkConditions', network);
    await page.addInitScript(`
      window.shift = 0;
      new PerformanceObserver((list) => {
        for (const entry of list.getEntries()) if (!entry.hadRecentInput) window.shift += entry.value;
      }).observe({ type: 'layout-shift', buffered: true });
    `);
    await page.goto(address);
    await expect(page.getByText(/1\.4\.2 \(live since/)).toBeVisible();
    await expect(button(page, 'Approve')).toBeVisible();
    await page.waitForLoadState('networkidle');
    expect(await page.evaluate<number>('window.shift')).toBeLessThanOrEqual(0.05);
  });
}
