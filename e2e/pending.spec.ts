import type { Page } from 'playwright/test';
import { expectFitForAll } from './fit-for-all.ts';
import { expect, type Person, test, type World } from './fixtures.ts';

const list = (page: Page) => page.getByRole('list', { name: 'Waiting for you' });
const line = (page: Page, title: string) => list(page).getByRole('listitem').filter({ hasText: title });
const dialog = (page: Page) => page.getByRole('dialog');

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

async function decisionsOn(world: World, intentId: string) {
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

test('a line tells what waits and leads to its Policy Requirements', async ({ world, browserOf }) => {
  const [release] = await waiting(world, 'Charge what the basket says');
  const page = await browserOf(world.people.reviewer);
  await openHome(page, 1);
  const only = line(page, 'Charge what the basket says');
  await expect(only).toContainText(`${world.organisation} / shop`);
  await expect(only).toContainText('production');
  await expect(only).toContainText('0/2 approvals');
  await expect(only).toContainText(`by ${world.people.author.username}`);
  await only.getByRole('link').click();
  await expect(page).toHaveURL(world.page(`releases/${release?.slug}#policy-requirements`));
  await expect(page.getByRole('region', { name: 'Policy Requirements' })).toBeInViewport();
});

test('the list is worked through by keyboard', async ({ world, browserOf }) => {
  const [first, second, third] = await waiting(world, 'First build', 'Second build', 'Third build');
  const { reviewer } = world.people;
  const page = await browserOf(reviewer);
  await openHome(page, 3);
  const link = (title: string) => list(page).getByRole('link', { name: title });

  await page.keyboard.press('j');
  await expect(link('First build')).toBeFocused();
  await page.keyboard.press('j');
  await page.keyboard.press('j');
  await page.keyboard.press('j');
  await expect(link('Third build')).toBeFocused();
  await page.keyboard.press('k');
  await expect(line(page, 'Second build')).toHaveAttribute('aria-current', 'true');
  await page.keyboard.press('Enter');
  await expect(page).toHaveURL(world.page(`releases/${second?.slug}#policy-requirements`));
  await page.goBack();
  await expect(list(page).getByRole('listitem')).toHaveCount(3);

  // One key asks, and votes nothing.
  await page.keyboard.press('j');
  await page.keyboard.press('a');
  await expect(dialog(page)).toContainText('Approve this release for production?');
  await expect(dialog(page).getByLabel('Comment')).toBeFocused();
  await expect(dialog(page).getByLabel('Comment')).toHaveValue('');
  await page.keyboard.press('Escape');
  await expect(dialog(page)).toBeHidden();
  await expect(link('First build')).toBeFocused();
  expect(await decisionsOn(world, first?.intentId ?? '')).toEqual([]);

  await page.keyboard.press('a');
  await dialog(page).getByLabel('Comment').pressSequentially('jkarx? read it');
  await page.keyboard.press('Enter');
  await expect(line(page, 'First build')).toHaveCount(0);
  await expect(page.getByText('You approved “First build” for production.')).toBeVisible();
  expect(await decisionsOn(world, first?.intentId ?? '')).toEqual([
    { username: reviewer.username, decision: 'approved', comment: 'jkarx? read it' },
  ]);

  // The next line has taken its place.
  await expect(link('Second build')).toBeFocused();
  await page.keyboard.press('r');
  await expect(dialog(page).getByLabel('Comment')).toBeFocused();
  await page.keyboard.type('Not on a Friday');
  await page.keyboard.press('Shift+Enter');
  await page.keyboard.type('at five.');
  await page.keyboard.press('Control+Enter');
  await expect(list(page).getByRole('listitem')).toHaveCount(1);
  expect(await decisionsOn(world, second?.intentId ?? '')).toEqual([
    { username: reviewer.username, decision: 'rejected', comment: 'Not on a Friday\nat five.' },
  ]);
  expect(await decisionsOn(world, third?.intentId ?? '')).toEqual([]);
});

test('several are ticked for one comment; each that is refused says why at its own line', async ({
  world,
  browserOf,
}) => {
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
  for (const key of ['j', 'x', 'j', 'x', 'j', 'x']) await page.keyboard.press(key);
  const bar = page.getByRole('group', { name: 'Ticked releases' });
  await expect(bar).toContainText('3 ticked');
  await page.keyboard.press('x');
  await expect(bar).toContainText('2 ticked');
  await page.keyboard.press('x');
  await page.keyboard.press('a');
  await expect(dialog(page)).toContainText('Approve 3 releases?');
  await dialog(page).getByLabel('Comment').fill('All read.');
  // While the comment is written, one of them ends.
  await author.api.releases.cancelRelease({ releaseIntentId: second?.intentId ?? '' });
  await dialog(page).getByRole('button', { name: 'Approve' }).click();

  await expect(page.getByText('1 of 3 approvals was not recorded; each says why at its line.')).toBeVisible();
  const refused = line(page, 'Build two');
  await expect(refused.getByRole('alert')).toContainText('Your approval was not recorded');
  await expect(refused).toContainText('does not wait for your vote any more');
  await expect(list(page).getByRole('listitem')).toHaveCount(2);
  await expect(line(page, 'Build four')).toBeVisible();
  await expect(bar).toBeHidden();
  const voted = [{ username: reviewer.username, decision: 'approved', comment: 'All read.' }];
  expect(await decisionsOn(world, first?.intentId ?? '')).toEqual(voted);
  expect(await decisionsOn(world, third?.intentId ?? '')).toEqual(voted);
  expect(await decisionsOn(world, fourth?.intentId ?? '')).toEqual([]);
  await refused.getByRole('button', { name: 'Dismiss' }).click();
  await expect(list(page).getByRole('listitem')).toHaveCount(1);
});

test('a vote shows at once; without a network it is taken back with words and can be tried again', async ({
  world,
  browserOf,
}) => {
  const [release] = await waiting(world, 'Held build');
  const page = await browserOf(world.people.reviewer);
  await openHome(page, 1);
  let cut = () => {};
  const wire = new Promise<void>((resolve) => {
    cut = resolve;
  });
  await page.route(/ApproveRelease/, async (route) => {
    await wire;
    await route.abort('connectionrefused');
  });
  const held = line(page, 'Held build');
  await held.getByRole('button', { name: 'Approve' }).click();
  await dialog(page).getByLabel('Comment').fill('Kept words');
  await dialog(page).getByRole('button', { name: 'Approve' }).click();
  await expect(held).toContainText('1/2 approvals');
  await expect(held).toContainText('You approved this.');
  cut();
  await expect(held.getByRole('alert')).toContainText('The server does not answer.');
  await expect(held).toContainText('0/2 approvals');
  expect(await decisionsOn(world, release?.intentId ?? '')).toEqual([]);

  await page.unroute(/ApproveRelease/);
  await held.getByRole('button', { name: 'Try again' }).click();
  await expect(dialog(page).getByLabel('Comment')).toHaveValue('Kept words');
  await page.keyboard.press('Enter');
  await expect(page.getByText('Nothing waits for your vote.')).toBeVisible();
  expect(await decisionsOn(world, release?.intentId ?? '')).toHaveLength(1);
});

test('the keys are shown by ?, and can be switched off', async ({ world, browserOf }) => {
  await waiting(world, 'Only build');
  const page = await browserOf(world.people.reviewer);
  await openHome(page, 1);
  await page.keyboard.press('?');
  await expect(dialog(page)).toContainText('Reject, after a comment');
  await expectFitForAll(page);
  await dialog(page).getByLabel('Single keys act').uncheck();
  await page.keyboard.press('Escape');
  await expect(dialog(page)).toBeHidden();
  await page.keyboard.press('j');
  await page.keyboard.press('?');
  await expect(dialog(page)).toBeHidden();
  await expect(list(page).getByRole('link', { name: 'Only build' })).not.toBeFocused();
  await page.getByRole('button', { name: 'Keys' }).click();
  await dialog(page).getByLabel('Single keys act').check();
  await page.keyboard.press('Escape');
  // The focus is back: it cannot be taken from what the next key leads to.
  await expect(page.getByRole('button', { name: 'Keys' })).toBeFocused();
  await page.keyboard.press('j');
  await expect(list(page).getByRole('link', { name: 'Only build' })).toBeFocused();
});

test('the list follows the server by itself, and says so politely', async ({ world, browserOf }) => {
  const page = await browserOf(world.people.reviewer);
  await page.goto('/');
  await expect(page.getByText('Nothing waits for your vote.')).toBeVisible();
  await waiting(world, 'Late build');
  await expect(line(page, 'Late build')).toBeVisible({ timeout: 20_000 });
  await expect(page.locator('[aria-live=polite]').getByText('1 release waits for you')).toBeAttached();
});

test('long titles, other scripts and an empty list break nothing; every state is fit for all', async ({
  world,
  browserOf,
}) => {
  const { reviewer } = world.people;
  const page = await browserOf(reviewer);
  await page.goto('/');
  await expect(page.getByText('Nothing waits for your vote.')).toBeVisible();
  await expectFitForAll(page);
  const rtl = 'تقريب المجموع إلى الأعلى 🚀';
  await waiting(world, 'w'.repeat(250), rtl, `Short\n${'x'.repeat(450)}`);
  await openHome(page, 3);
  await page.keyboard.press('j');
  await page.keyboard.press('x');
  await expectFitForAll(page);
  await page.keyboard.press('a');
  await expect(dialog(page)).toBeVisible();
  await expectFitForAll(page);
});

test('a list that cannot be loaded says so and is tried again', async ({ world, browserOf }) => {
  await waiting(world, 'Some build');
  const page = await browserOf(world.people.reviewer);
  await page.route(/ListPendingApprovals/, (route) => route.fulfill({ status: 500, body: 'no' }));
  await page.goto('/');
  const region = page.getByRole('region', { name: 'Waiting for you' });
  await expect(region.getByRole('alert')).toContainText('The approvals could not be loaded.');
  await expectFitForAll(page);
  await page.unroute(/ListPendingApprovals/);
  await region.getByRole('button', { name: 'Try again' }).click();
  await expect(line(page, 'Some build')).toBeVisible();
});

test('what one cannot vote on is not listed', async ({ world, browserOf }) => {
  await waiting(world, 'Own build');
  const seen = async (person: Person, words: string) => {
    const page = await browserOf(person);
    await page.goto('/');
    await expect(page.getByRole('region', { name: 'Waiting for you' })).toContainText(words);
  };
  await seen(world.people.author, 'Nothing waits for your vote.');
  await seen(world.people.reviewer, 'Own build');
});

test('a session that ended while a vote was sent leads to sign-in and back, with the comment', async ({
  world,
  browserOf,
}) => {
  const [release] = await waiting(world, 'Late vote');
  const { reviewer } = world.people;
  const page = await browserOf(reviewer);
  await openHome(page, 1);
  await page.keyboard.press('j');
  await page.keyboard.press('a');
  await dialog(page).getByLabel('Comment').fill('Worth keeping');
  await page.context().clearCookies();
  await page.keyboard.press('Enter');
  await expect(page).toHaveURL(/\/sign-in/);
  await page.getByLabel('Username or email').fill(reviewer.username);
  await page.getByLabel('Password').fill(reviewer.password);
  await page.getByRole('button', { name: 'Sign in' }).click();
  await expect(list(page).getByRole('listitem')).toHaveCount(1);
  expect(await decisionsOn(world, release?.intentId ?? '')).toEqual([]);
  await page.keyboard.press('j');
  await page.keyboard.press('a');
  await expect(dialog(page).getByLabel('Comment')).toHaveValue('Worth keeping');
});
