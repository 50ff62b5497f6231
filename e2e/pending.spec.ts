import type { Page } from 'playwright/test';
import { BuildState } from '#server/gen/forest/v1/releases_pb.ts';
import { expectFitForAll } from './fit-for-all.ts';
import { becomes, build, expect, type Person, test, type World } from './fixtures.ts';
import { shiftOf, watchShifts } from './page-faults.ts';

const region = (page: Page) => page.getByRole('region', { name: 'Waiting for you' });
const list = (page: Page) => page.getByRole('list', { name: 'Waiting for you' });
const line = (page: Page, title: string) => list(page).getByRole('listitem').filter({ hasText: title });
const details = (page: Page, title: string) =>
  line(page, title).getByRole('button', { name: `Details of ${title}` });
const button = (page: Page, title: string, name: string) =>
  line(page, title).getByRole('button', { name, exact: true });
const dialog = (page: Page) => page.getByRole('dialog');
const bar = (page: Page) => page.getByRole('group', { name: 'Selected releases' });
const PHONE = { viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true };

/** Releases to production that wait for two approvals, the oldest first. */
async function waiting(world: World, ...titles: string[]) {
  await world.requireApprovals('production', 2);
  const made: { title: string; slug: string; intentId: string }[] = [];
  for (const title of titles) {
    const artifact = await world.annotate({ title });
    made.push({ title, slug: artifact.slug, intentId: await world.release(artifact, 'production') });
  }
  return made;
}

/** Builds of these versions that wait for one approval, the oldest first, while 1.0.0 is live. */
async function waitingVersions(world: World, ...versions: string[]) {
  const live = await build(world, '1.0.0');
  await world.release(live, 'production');
  await becomes(world, live.artifactId, 'eu-west', BuildState.LIVE);
  await becomes(world, live.artifactId, 'us-east', BuildState.LIVE);
  await world.requireApprovals('production', 1);
  for (const version of versions) await world.release(await build(world, version), 'production');
}

async function decisionsOn(world: World, intentId = '') {
  const { state } = await world.people.admin.api.policies.getApprovalState({
    project: world.project,
    releaseIntentId: intentId,
    targetEnvironment: 'production',
  });
  return (state?.decisions ?? []).map(({ username, decision, comment }) => ({ username, decision, comment }));
}

async function openHome(page: Page, count: number) {
  await page.goto('/');
  await expect(list(page).getByRole('listitem')).toHaveCount(count);
}

test('shows what is waiting, open if it is the only one, and links to its Policy Requirements', async ({
  world,
  browserOf,
}) => {
  const [release] = await waiting(world, 'Charge the total of the basket');
  const title = 'Charge the total of the basket';
  const page = await browserOf(world.people.reviewer);
  await openHome(page, 1);
  const { author } = world.people;
  await expect(region(page).getByRole('heading', { level: 3 })).toHaveText(`${world.organisation} / shop`);
  await expect(line(page, title)).toContainText(`1.4.0 · main · 5f0c1d2 · ${author.username}`);
  await expect(line(page, title)).toContainText('production');
  await expect(line(page, title)).toContainText('0/2 approvals');
  await expect(line(page, title)).toContainText('Nothing is live yet');
  await expect(details(page, title)).toHaveAttribute('aria-expanded', 'true');
  await expect(button(page, title, 'Approve')).toBeVisible();
  await details(page, title).click();
  await expect(button(page, title, 'Approve')).toHaveCount(0);
  await line(page, title).getByRole('link', { name: title }).click();
  await expect(page).toHaveURL(
    world.page(`releases/${release?.slug}?release=${release?.intentId}#policy-requirements`),
  );
  await expect(page.getByRole('region', { name: 'Policy Requirements' })).toBeInViewport();
});

test('approves in the open row beside the change and the votes so far, and takes the vote back', async ({
  world,
  browserOf,
}) => {
  const { reviewer, reviewerTwo } = world.people;
  const live = await build(world, '1.0.0');
  await world.release(live, 'production');
  for (const name of ['eu-west', 'us-east']) await becomes(world, live.artifactId, name, BuildState.LIVE);
  await world.requireApprovals('production', 2);
  const intentId = await world.release(await build(world, '1.1.0'), 'production');
  const vote = { project: world.project, releaseIntentId: intentId, targetEnvironment: 'production' };
  await reviewerTwo.api.policies.approveRelease({ ...vote, comment: 'Tried in staging.' });
  await world.release(await build(world, '1.2.0'), 'production');
  const page = await browserOf(reviewer);
  await openHome(page, 2);
  const title = 'Version 1.1.0';
  await expect(details(page, title)).toHaveAttribute('aria-expanded', 'false');
  await details(page, title).click();
  const row = line(page, title);
  await expect(row).toContainText(/1\.0\.0 \(live since \d\d:\d\d\).*1\.1\.0/);
  await expect(row).toContainText(`${reviewerTwo.username} approved`);
  await expect(row).toContainText('“Tried in staging.”');
  await expect(row).toContainText('Your approval completes this policy');
  await expectFitForAll(page);
  await row.getByLabel('Comment').fill('Read it.');
  await button(page, title, 'Reject').click();
  await expect(row).toContainText('You rejected');
  await expect(
    page.locator('[aria-live=polite]').getByText(`You rejected ${title} for production`),
  ).toBeAttached();
  expect(await decisionsOn(world, intentId)).toContainEqual({
    username: reviewer.username,
    decision: 'rejected',
    comment: 'Read it.',
  });
  await row.getByRole('button', { name: `Undo for ${title}` }).click();
  await expect(details(page, title)).toBeVisible();
  expect(await decisionsOn(world, intentId)).toHaveLength(1);

  await details(page, title).click();
  await button(page, title, 'Reject').click();
  await expect(row).toContainText('You rejected');
  // The line leaves when nobody is at it.
  await page.mouse.move(0, 0);
  await details(page, 'Version 1.2.0').focus();
  await expect(row).toHaveCount(0, { timeout: 15_000 });
});

test('tells builds of one title apart, and leaves a colleague’s rejection out until it is opened', async ({
  world,
  browserOf,
}) => {
  const { reviewer, reviewerTwo } = world.people;
  await world.requireApprovals('production', 1);
  const title = 'Merge branch develop';
  const first = await world.annotate({ title, version: '7.1.0' });
  const intentId = await world.release(first, 'production');
  const second = await world.annotate({ title, version: '7.2.0', branch: 'hotfix/x' });
  await world.release(second, 'production');
  await reviewer.api.policies.rejectRelease({
    project: world.project,
    releaseIntentId: intentId,
    targetEnvironment: 'production',
    comment: 'DATA LOSS in migration 12, do not ship',
  });
  const page = await browserOf(reviewerTwo);
  await openHome(page, 2);
  await expect(line(page, '7.2.0')).toContainText('7.2.0 · hotfix/x · 5f0c1d2');
  const rejected = line(page, '7.1.0');
  await expect(rejected).toContainText('7.1.0 · main · 5f0c1d2');
  const words = `Rejected by ${reviewer.username}: “DATA LOSS in migration 12, do not ship”`;
  await expect(rejected).toContainText(words);

  await region(page).getByRole('checkbox', { name: 'Select all of shop' }).check();
  await bar(page).getByRole('button', { name: 'Approve 2…' }).click();
  await expect(dialog(page)).toContainText('Approve 1 release?');
  await expect(dialog(page)).toContainText('shop 7.2.0 → production (nothing is live)');
  await expect(dialog(page)).not.toContainText('7.1.0');
  await expect(dialog(page)).toContainText('Not included: 1 rejected. Open it first.');
  await page.keyboard.press('Escape');

  await rejected.getByRole('button', { name: `Details of ${title}` }).click();
  await bar(page).getByRole('button', { name: 'Approve 2…' }).click();
  await expect(dialog(page)).toContainText('Approve 2 releases?');
  await expect(dialog(page)).toContainText(words);
  await expect(dialog(page)).not.toContainText('Not included');
  await expectFitForAll(page);
});

test('says when a release would replace a newer build', async ({ world, browserOf }) => {
  const [old, between, live] = [
    await build(world, '1.0.0'),
    await build(world, '1.5.0'),
    await build(world, '2.0.0'),
  ];
  for (const one of [old, live]) {
    await world.release(one, 'production');
    for (const name of ['eu-west', 'us-east']) await becomes(world, one.artifactId, name, BuildState.LIVE);
  }
  await world.requireApprovals('production', 1);
  for (const one of [old, between]) await world.release(one, 'production');
  const page = await browserOf(world.people.reviewer);
  await openHome(page, 2);
  await expect(line(page, 'Version 1.0.0')).toContainText('Rollback: replaces 2.0.0, which is newer');
  await expect(line(page, 'Version 1.5.0')).toContainText('Older than what is live');
});

test('lists a plan that waits for a verdict, and leads to it', async ({ world, browserOf }) => {
  await world.addPipeline('planned', [
    { id: 'plan', config: { case: 'plan', value: { environment: 'production' } } },
  ]);
  const build = await world.annotate({ title: 'Needs a plan' });
  const intentId = await world.releaseBy('planned', build);
  const page = await browserOf(world.people.reviewer);
  await openHome(page, 1);
  const row = line(page, 'Needs a plan');
  await expect(row).toContainText('Plan');
  await expect(row.getByRole('button', { name: /^Approve/ })).toHaveCount(0);
  await row.getByRole('link', { name: 'Review plan' }).click();
  await expect(page).toHaveURL(new RegExp(`release=${intentId}`));
  await page.getByRole('button', { name: 'Approve plan' }).click();
  await expect(page.getByRole('region', { name: 'Pipeline' })).toContainText('Plan approved');
  await page.goto('/');
  await expect(page.getByText('Nothing is waiting for you')).toBeVisible();
});

test('each active release of a build has an address, a panel and votes of its own', async ({
  world,
  browserOf,
}) => {
  const { author, reviewer } = world.people;
  await world.requireApprovals('production', 1);
  await world.requireApprovals('staging', 1);
  const build = await world.annotate({ title: 'Released twice' });
  const first = await world.release(build, 'staging');
  const second = await world.release(build, 'production');
  const page = await browserOf(reviewer);
  await openHome(page, 2);
  await list(page).getByRole('listitem').filter({ hasText: 'staging' }).getByRole('link').first().click();
  await expect(page).toHaveURL(new RegExp(`release=${first}#policy-requirements$`));
  const requirements = page.getByRole('region', { name: 'Policy Requirements' });
  await expect(requirements).toHaveCount(2);
  await expect(requirements.first().getByRole('heading', { name: 'staging' })).toBeVisible();
  await requirements.first().getByRole('button', { name: 'Approve', exact: true }).click();
  await expect(page.getByRole('region', { name: 'Pipeline' }).first()).toContainText('Deployed to staging');
  const votes = async (releaseIntentId: string, targetEnvironment: string) =>
    (
      await author.api.policies.getApprovalState({
        project: world.project,
        releaseIntentId,
        targetEnvironment,
      })
    ).state?.decisions.length;
  expect(await votes(first, 'staging')).toBe(1);
  expect(await votes(second, 'production')).toBe(0);

  const own = await browserOf(author);
  await own.goto(world.page(`releases/${build.slug}?release=${second}`));
  await own.getByRole('button', { name: 'Cancel release' }).click();
  await own.getByRole('alertdialog').getByRole('button', { name: 'Cancel release' }).click();
  await expect(own.getByRole('region', { name: 'Pipeline' })).toContainText('Cancelled production');
});

test('can be worked through by keyboard, and no single key votes', async ({ world, browserOf }) => {
  const [first, second, third] = await waiting(world, 'First build', 'Second build', 'Third build');
  const { reviewer } = world.people;
  const page = await browserOf(reviewer);
  await openHome(page, 3);
  const link = (title: string) => list(page).getByRole('link', { name: title });

  await page.keyboard.press('j');
  await expect(link('First build')).toBeFocused();
  for (const key of ['j', 'j', 'j']) await page.keyboard.press(key);
  await expect(link('Third build')).toBeFocused();
  await page.keyboard.press('k');
  await expect(line(page, 'Second build')).toHaveAttribute('aria-current', 'true');
  await page.keyboard.press('o');
  await expect(details(page, 'Second build')).toHaveAttribute('aria-expanded', 'true');
  await page.keyboard.press(' ');
  await expect(details(page, 'Second build')).toHaveAttribute('aria-expanded', 'false');
  await page.keyboard.press('Enter');
  await expect(page).toHaveURL(
    world.page(`releases/${second?.slug}?release=${second?.intentId}#policy-requirements`),
  );
  await page.goBack();
  await expect(list(page).getByRole('listitem')).toHaveCount(3);

  // A single key only moves the focus.
  await page.keyboard.press('j');
  await page.keyboard.press('a');
  await expect(button(page, 'First build', 'Approve')).toBeFocused();
  for (const key of ['a', 'r', 'r', 'a', 'x', 'x']) await page.keyboard.press(key);
  await expect(button(page, 'First build', 'Approve')).toBeFocused();
  expect(await decisionsOn(world, first?.intentId)).toEqual([]);

  const comment = line(page, 'First build').getByLabel('Comment');
  await comment.focus();
  await page.keyboard.type('jkarx? read it');
  await page.keyboard.press('Enter');
  await page.keyboard.type('twice');
  expect(await decisionsOn(world, first?.intentId)).toEqual([]);
  await page.keyboard.press('Control+Enter');
  await expect(line(page, 'First build')).toContainText('You approved');
  expect(await decisionsOn(world, first?.intentId)).toEqual([
    { username: reviewer.username, decision: 'approved', comment: 'jkarx? read it\ntwice' },
  ]);
  await expect(line(page, 'First build').getByRole('button', { name: /^Undo/ })).toBeFocused();
  await expectFitForAll(page);

  await page.keyboard.press('j');
  await expect(link('Second build')).toBeFocused();
  await page.keyboard.press('r');
  await expect(button(page, 'Second build', 'Reject')).toBeFocused();
  await page.keyboard.press('Enter');
  await expect(line(page, 'Second build')).toContainText('You rejected');
  expect(await decisionsOn(world, second?.intentId)).toMatchObject([{ decision: 'rejected' }]);
  expect(await decisionsOn(world, third?.intentId)).toEqual([]);
});

test('approves several with one comment, names what is live, and keeps only the newest on request', async ({
  world,
  browserOf,
}) => {
  const { reviewer } = world.people;
  await waitingVersions(world, '1.1.0', '1.2.0', '1.3.0');
  const page = await browserOf(reviewer);
  await openHome(page, 3);
  for (const key of ['j', 'x', 'j', 'x', 'j', 'x']) await page.keyboard.press(key);
  await expect(bar(page)).toContainText('3 selected');
  await page.keyboard.press('a');
  await expect(dialog(page)).toContainText('Approve 3 releases?');
  await expect(dialog(page).getByRole('listitem').first()).toContainText(
    'shop 1.1.0 → production (live: 1.0.0)',
  );
  await expect(dialog(page)).toContainText('3 builds of shop for production: only 1.3.0 will stay live');
  await expectFitForAll(page);
  await dialog(page).getByRole('button', { name: 'Keep only the newest' }).click();
  await expect(dialog(page)).toContainText('Approve 1 release?');
  await expect(dialog(page).getByRole('listitem')).toHaveCount(1);
  const comment = dialog(page).getByLabel('Comment');
  await comment.fill('Read.');
  await comment.press('Enter');
  await comment.pressSequentially('All.');
  await expect(dialog(page)).toBeVisible();
  await comment.press('Control+Enter');
  await expect(dialog(page)).toBeHidden();
  await expect(line(page, 'Version 1.3.0')).toContainText('You approved');
  await expect(bar(page)).toContainText('2 selected');
  await bar(page).getByRole('button', { name: 'Clear' }).click();
  await expect(bar(page)).toBeHidden();
});

test('shows why each refused vote of several was refused', async ({ world, browserOf }) => {
  const [first, second, third, fourth] = await waiting(
    world,
    'Build one',
    'Build two',
    'Build three',
    'Build four',
  );
  const { reviewer, author } = world.people;
  const page = await browserOf(reviewer);
  await openHome(page, 4);
  for (const key of ['j', 'x', 'j', 'x', 'j', 'x', 'a']) await page.keyboard.press(key);
  await expect(dialog(page)).toContainText('Approve 3 releases?');
  await dialog(page).getByLabel('Comment').fill('All read.');
  // While the comment is written, one of them ends.
  await author.api.releases.cancelRelease({ releaseIntentId: second?.intentId ?? '' });
  await dialog(page).getByRole('button', { name: 'Approve 3 releases' }).click();

  await expect(dialog(page)).toContainText('1 of 3 votes were not recorded.');
  const refused = dialog(page).getByRole('listitem');
  await expect(refused).toHaveCount(1);
  await expect(refused).toContainText('Build two');
  await expect(refused.getByRole('alert')).toContainText('Your approval was not recorded');
  await expectFitForAll(page);
  const voted = [{ username: reviewer.username, decision: 'approved', comment: 'All read.' }];
  expect(await decisionsOn(world, first?.intentId)).toEqual(voted);
  expect(await decisionsOn(world, third?.intentId)).toEqual(voted);
  expect(await decisionsOn(world, fourth?.intentId)).toEqual([]);
  await dialog(page).getByRole('button', { name: 'Cancel' }).click();
  await expect(line(page, 'Build four')).toBeVisible();
  await expect(bar(page)).toBeHidden();
});

test('sends no vote without a network, keeps the comment and offers Try again', async ({
  world,
  browserOf,
}) => {
  const [release] = await waiting(world, 'Some build');
  const page = await browserOf(world.people.reviewer);
  await openHome(page, 1);
  const row = line(page, 'Some build');
  await page.route(/ApproveRelease/, (route) => route.abort('connectionrefused'));
  await row.getByLabel('Comment').fill('Kept words');
  await button(page, 'Some build', 'Approve').click();
  await expect(row.getByRole('alert')).toHaveText(
    "Can't reach the server. Your approval hasn't been sent. Try again.",
  );
  expect(await decisionsOn(world, release?.intentId)).toEqual([]);

  await page.unroute(/ApproveRelease/);
  await expect(row.getByLabel('Comment')).toHaveValue('Kept words');
  await row.getByRole('button', { name: 'Try again' }).click();
  await expect(row).toContainText('You approved');
  expect(await decisionsOn(world, release?.intentId)).toHaveLength(1);
});

test('keeps an open row with its typed comment when the release ends meanwhile', async ({
  world,
  browserOf,
}) => {
  const [release] = await waiting(world, 'Ends meanwhile', 'Goes on');
  const page = await browserOf(world.people.reviewer);
  await openHome(page, 2);
  await details(page, 'Ends meanwhile').click();
  const comment = line(page, 'Ends meanwhile').getByLabel('Comment');
  await comment.fill('Half a sent');
  await world.people.author.api.releases.cancelRelease({ releaseIntentId: release?.intentId ?? '' });
  await expect(line(page, 'Ends meanwhile')).toContainText('This no longer waits for you.', {
    timeout: 40_000,
  });
  await expect(button(page, 'Ends meanwhile', 'Approve')).toHaveCount(0);
});

test('keeps focus and typed text while the list is polled', async ({ world, browserOf }) => {
  await waiting(world, 'First build');
  const page = await browserOf(world.people.reviewer);
  await openHome(page, 1);
  const comment = line(page, 'First build').getByLabel('Comment');
  await comment.fill('Half a sent');
  await world.release(await world.annotate({ title: 'Late build' }), 'production');
  await expect(line(page, 'Late build')).toBeVisible({ timeout: 40_000 });
  await expect(comment).toBeFocused();
  await expect(comment).toHaveValue('Half a sent');
});

test('lists the keys on ?, and lets them be disabled', async ({ world, browserOf }) => {
  await waiting(world, 'Only build');
  const page = await browserOf(world.people.reviewer);
  await openHome(page, 1);
  await page.keyboard.press('?');
  await expect(dialog(page)).toContainText('Go to Approve, or approve the selected items');
  await expectFitForAll(page);
  await dialog(page).getByLabel('Enable single-key shortcuts').uncheck();
  await page.keyboard.press('Escape');
  await expect(dialog(page)).toBeHidden();
  await page.keyboard.press('j');
  await page.keyboard.press('?');
  await expect(dialog(page)).toBeHidden();
  await expect(list(page).getByRole('link', { name: 'Only build' })).not.toBeFocused();
  await page.getByRole('button', { name: 'Shortcuts' }).click();
  await dialog(page).getByLabel('Enable single-key shortcuts').check();
  await page.keyboard.press('Escape');
  // The focus has returned, so it cannot be taken from the next key's target.
  await expect(page.getByRole('button', { name: 'Shortcuts' })).toBeFocused();
  await page.keyboard.press('j');
  await expect(list(page).getByRole('link', { name: 'Only build' })).toBeFocused();
});

test('updates without a reload and announces the new count', async ({ world, browserOf }) => {
  const page = await browserOf(world.people.reviewer);
  await page.goto('/');
  await expect(page.getByText('Nothing is waiting for you')).toBeVisible();
  await waiting(world, 'Late build');
  await expect(line(page, 'Late build')).toBeVisible({ timeout: 40_000 });
  await expect(page.locator('[aria-live=polite]').getByText('1 release waits for you')).toBeAttached();
  await expect(page).toHaveTitle('(1) Forage', { timeout: 40_000 });
});

test('is accessible with long titles, other scripts and an empty list', async ({ world, browserOf }) => {
  const { reviewer } = world.people;
  const page = await browserOf(reviewer);
  await page.goto('/');
  await expect(page.getByText('Nothing is waiting for you')).toBeVisible();
  await expectFitForAll(page);
  const rtl = 'تقريب المجموع إلى الأعلى 🚀';
  await waiting(world, 'w'.repeat(250), rtl, `Short\n${'x'.repeat(450)}`);
  await openHome(page, 3);
  await page.keyboard.press('j');
  await page.keyboard.press('o');
  await expect(list(page).getByRole('button', { name: 'Approve', exact: true })).toBeVisible();
  await page.keyboard.press('x');
  await expectFitForAll(page);
  await page.keyboard.press('a');
  await expect(dialog(page)).toBeVisible();
  await expectFitForAll(page);
});

test('reports a list that cannot be loaded and loads it on Try again', async ({ world, browserOf }) => {
  await waiting(world, 'Some build');
  const page = await browserOf(world.people.reviewer);
  // Fails in the page until the click, so that no poll loads the list before it.
  await page.addInitScript(`{
    const send = window.fetch;
    window.fetch = async (input, init) =>
      String(input?.url ?? input).includes('ListPendingApprovals') ? new Response('no', { status: 500 }) : send(input, init);
    addEventListener('click', () => { window.fetch = send; }, true);
  }`);
  await page.goto('/');
  await expect(region(page).getByRole('alert')).toContainText("Couldn't load approvals");
  await expectFitForAll(page);
  await region(page).getByRole('button', { name: 'Try again' }).click();
  await expect(line(page, 'Some build')).toBeVisible();
});

test('keeps the list while the server is away, says so in place, and moves nothing', async ({
  world,
  browserOf,
}) => {
  await waiting(world, 'First build', 'Second build');
  const page = await browserOf(world.people.reviewer);
  await openHome(page, 2);
  const before = await line(page, 'Second build').boundingBox();
  await page.route(/forest\.v1\./, (route) => route.abort('connectionrefused'));
  await expect(region(page)).toContainText(/Can't reach the server\. Showing data from .* Retrying…/, {
    timeout: 40_000,
  });
  expect((await line(page, 'Second build').boundingBox())?.y).toBe(before?.y);
  await expect(line(page, 'Second build')).toBeVisible();
  await expectFitForAll(page);
  // What is behind a click was loaded before.
  await line(page, 'First build').getByRole('checkbox').check();
  await bar(page).getByRole('button', { name: 'Approve 1…' }).click();
  await dialog(page).getByLabel('Comment').fill('Kept words');
  await dialog(page).getByRole('button', { name: 'Approve 1 release' }).click();
  await expect(dialog(page).getByRole('listitem').getByRole('alert')).toContainText(
    "Can't reach the server.",
  );
  await page.unroute(/forest\.v1\./);
  await expect(dialog(page).getByLabel('Comment')).toHaveValue('Kept words');
  await dialog(page).getByRole('button', { name: 'Try again' }).click();
  await expect(line(page, 'First build')).toContainText('You approved');
  await expect(region(page)).not.toContainText("Can't reach the server", { timeout: 40_000 });
});

test('does not list releases that the person cannot vote on', async ({ world, browserOf }) => {
  await waiting(world, 'Own build');
  const seen = async (person: Person, text: string) => {
    const page = await browserOf(person);
    await page.goto('/');
    await expect(page.getByRole('region', { name: 'Waiting for you' })).toContainText(text);
  };
  await seen(world.people.author, 'Nothing is waiting for you');
  await seen(world.people.reviewer, 'Own build');
});

test('leads to sign-in and back with the comment when the session ends during a vote', async ({
  world,
  browserOf,
}) => {
  const [release] = await waiting(world, 'Late vote');
  const { reviewer } = world.people;
  const page = await browserOf(reviewer);
  await openHome(page, 1);
  const comment = line(page, 'Late vote').getByLabel('Comment');
  await comment.fill('Worth keeping');
  await page.context().clearCookies();
  await comment.press('Control+Enter');
  await expect(page).toHaveURL(/\/sign-in/);
  await page.getByLabel('Username or email').fill(reviewer.username);
  await page.getByLabel('Password').fill(reviewer.password);
  await page.getByRole('button', { name: 'Sign in' }).click();
  await expect(list(page).getByRole('listitem')).toHaveCount(1);
  expect(await decisionsOn(world, release?.intentId ?? '')).toEqual([]);
  await expect(comment).toHaveValue('Worth keeping');
});

test('on a phone a row is a link of two lines, and Select shows the boxes', async ({ world, browserOf }) => {
  const [first] = await waiting(world, 'First build', 'Second build');
  const page = await browserOf(world.people.reviewer, PHONE);
  await openHome(page, 2);
  const row = line(page, 'First build');
  expect((await row.boundingBox())?.height).toBeLessThanOrEqual(72);
  await expect(row.getByRole('button')).toHaveCount(0);
  await expect(row.getByRole('checkbox')).toHaveCount(0);
  await expect(page.getByRole('button', { name: 'Shortcuts' })).toBeHidden();
  await expectFitForAll(page);

  await region(page).getByRole('button', { name: 'Select', exact: true }).tap();
  const box = row.locator('label');
  const size = await box.boundingBox();
  expect(Math.min(size?.width ?? 0, size?.height ?? 0)).toBeGreaterThanOrEqual(44);
  await row.getByRole('checkbox').check();
  await expect(bar(page)).toBeInViewport();
  await expectFitForAll(page);
  await bar(page).getByRole('button', { name: 'Approve 1…' }).tap();
  await dialog(page).getByRole('button', { name: 'Approve 1 release' }).tap();
  await expect(row).toContainText('You approved');
  expect(await decisionsOn(world, first?.intentId)).toHaveLength(1);

  // Anywhere in the row.
  const second = await line(page, 'Second build').boundingBox();
  if (second) await page.touchscreen.tap(second.x + second.width - 20, second.y + second.height / 2);
  await expect(page.getByRole('region', { name: 'Policy Requirements' })).toBeVisible();
});

for (const [name, viewport] of [
  ['wide', { width: 1280, height: 800 }],
  ['narrow', { width: 390, height: 844 }],
] as const) {
  test(`nothing moves while the lists load (${name})`, async ({ world, browserOf }) => {
    await waiting(world, 'First build', 'Second build');
    for (const person of [world.people.reviewer, world.people.author]) {
      const page = await browserOf(person, { viewport });
      await watchShifts(page);
      await page.route(/forest\.v1\./, async (route) => {
        const answer = await route.fetch();
        await new Promise((answered) => setTimeout(answered, 250));
        await route.fulfill({ response: answer });
      });
      await page.goto('/');
      await expect(page.getByRole('region', { name: 'Your organisations' })).toBeVisible();
      expect(await shiftOf(page)).toBeLessThanOrEqual(0.05);
    }
  });
}
