import type { Page } from 'playwright/test';
import { BuildState } from '#server/gen/forest/v1/releases_pb.ts';
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

test('shows what is waiting and links to its Policy Requirements', async ({ world, browserOf }) => {
  const [release] = await waiting(world, 'Charge the total of the basket');
  const page = await browserOf(world.people.reviewer);
  await openHome(page, 1);
  const only = line(page, 'Charge the total of the basket');
  await expect(only).toContainText(`${world.organisation} / shop`);
  await expect(only).toContainText('production');
  await expect(only).toContainText('0/2 approvals');
  await expect(only).toContainText(`by ${world.people.author.username}`);
  await only.getByRole('link').click();
  await expect(page).toHaveURL(
    world.page(`releases/${release?.slug}?release=${release?.intentId}#policy-requirements`),
  );
  await expect(page.getByRole('region', { name: 'Policy Requirements' })).toBeInViewport();
});

test('tells builds of one title apart, and shows a colleague’s rejection in the row and the dialog', async ({
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
  const words = `Rejected by ${reviewer.username}: DATA LOSS in migration 12, do not ship`;
  await expect(rejected).toContainText('7.1.0 · main · 5f0c1d2');
  await expect(rejected).toContainText(words);
  await rejected.getByRole('button', { name: /^Approve/ }).click();
  await expect(dialog(page)).toContainText('7.1.0 · main · 5f0c1d2');
  await expect(dialog(page)).toContainText(words);
  await expectFitForAll(page);
  await page.keyboard.press('Escape');

  // Several at once leave it out.
  for (const box of await list(page).getByRole('checkbox').all()) await box.check();
  const bar = page.getByRole('group', { name: 'Selected releases' });
  await expect(bar).toContainText('1 needs a look');
  await bar.getByRole('button', { name: 'Approve selected' }).click();
  await expect(dialog(page)).toContainText('Approve this release for production?');
  await expect(dialog(page)).toContainText('7.2.0');
  await expect(dialog(page)).not.toContainText('7.1.0');
});

test('says when a release would replace a newer build', async ({ world, browserOf }) => {
  const { author, reviewer } = world.people;
  const annotate = async (version: string, digit: string) => {
    const { artifact } = await author.api.releases.annotateRelease({
      project: world.project,
      context: { title: `Version ${version}` },
      ref: { commitSha: digit.repeat(40), branch: 'main', version },
    });
    if (artifact === undefined) throw new Error('AnnotateRelease returned no artifact');
    return artifact;
  };
  const [old, between, live] = [
    await annotate('1.0.0', '1'),
    await annotate('1.5.0', '2'),
    await annotate('2.0.0', '3'),
  ];
  for (const build of [old, live]) {
    await world.release(build, 'production');
    const states = () =>
      author.api.releases.getDestinationStates({ ...world.project, artifactId: build.artifactId });
    await expect
      .poll(async () => (await states()).destinations.map(({ buildState }) => buildState))
      .toContain(BuildState.LIVE);
  }
  await world.requireApprovals('production', 1);
  for (const build of [old, between]) await world.release(build, 'production');
  const page = await browserOf(reviewer);
  await openHome(page, 2);
  await expect(line(page, 'Version 1.0.0')).toContainText(`Rollback replaces ${live.slug}, which is newer`);
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
  await expect(row).toContainText('Awaiting plan approval');
  await expect(row.getByRole('button', { name: /^Approve/ })).toHaveCount(0);
  await row.getByRole('link', { name: /^Review the plan/ }).click();
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
  await list(page).getByRole('listitem').filter({ hasText: 'staging' }).getByRole('link').click();
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

test('can be worked through by keyboard', async ({ world, browserOf }) => {
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
  await expect(page).toHaveURL(
    world.page(`releases/${second?.slug}?release=${second?.intentId}#policy-requirements`),
  );
  await page.goBack();
  await expect(list(page).getByRole('listitem')).toHaveCount(3);

  // A single key only opens the dialog.
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

  // The next row has the focus.
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

test('votes on several with one comment, and shows why each refused vote was refused', async ({
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
  const bar = page.getByRole('group', { name: 'Selected releases' });
  await expect(bar).toContainText('3 selected');
  await page.keyboard.press('x');
  await expect(bar).toContainText('2 selected');
  await page.keyboard.press('x');
  await page.keyboard.press('a');
  await expect(dialog(page)).toContainText('Approve 3 releases?');
  await dialog(page).getByLabel('Comment').fill('All read.');
  // While the comment is written, one of them ends.
  await author.api.releases.cancelRelease({ releaseIntentId: second?.intentId ?? '' });
  await dialog(page).getByRole('button', { name: 'Approve' }).click();

  await expect(dialog(page)).toContainText('1 of 3 votes were not recorded.');
  const refused = dialog(page).getByRole('listitem');
  await expect(refused).toHaveCount(1);
  await expect(refused).toContainText('Build two');
  await expect(refused.getByRole('alert')).toContainText('Your approval was not recorded');
  await expectFitForAll(page);
  const voted = [{ username: reviewer.username, decision: 'approved', comment: 'All read.' }];
  expect(await decisionsOn(world, first?.intentId ?? '')).toEqual(voted);
  expect(await decisionsOn(world, third?.intentId ?? '')).toEqual(voted);
  expect(await decisionsOn(world, fourth?.intentId ?? '')).toEqual([]);
  await dialog(page).getByRole('button', { name: 'Cancel' }).click();
  await expect(list(page).getByRole('listitem')).toHaveCount(1);
  await expect(line(page, 'Build four')).toBeVisible();
  await expect(bar).toBeHidden();
});

test('sends no vote without a network, keeps the comment and offers Try again', async ({
  world,
  browserOf,
}) => {
  const [release] = await waiting(world, 'Some build');
  const page = await browserOf(world.people.reviewer);
  await openHome(page, 1);
  await page.route(/ApproveRelease/, (route) => route.abort('connectionrefused'));
  await line(page, 'Some build').getByRole('button', { name: 'Approve' }).click();
  await dialog(page).getByLabel('Comment').fill('Kept words');
  await dialog(page).getByRole('button', { name: 'Approve' }).click();
  await expect(dialog(page).getByRole('alert')).toHaveText(
    "Can't reach the server. Your approval hasn't been sent. Try again.",
  );
  expect(await decisionsOn(world, release?.intentId ?? '')).toEqual([]);

  await page.unroute(/ApproveRelease/);
  await expect(dialog(page).getByLabel('Comment')).toHaveValue('Kept words');
  await dialog(page).getByRole('button', { name: 'Try again' }).click();
  await expect(page.getByText('Nothing is waiting for you')).toBeVisible();
  expect(await decisionsOn(world, release?.intentId ?? '')).toHaveLength(1);
});

test('lists the keys on ?, and lets them be disabled', async ({ world, browserOf }) => {
  await waiting(world, 'Only build');
  const page = await browserOf(world.people.reviewer);
  await openHome(page, 1);
  await page.keyboard.press('?');
  await expect(dialog(page)).toContainText('Reject, with an optional comment');
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
  const region = page.getByRole('region', { name: 'Waiting for you' });
  await expect(region.getByRole('alert')).toContainText("Couldn't load approvals");
  await expectFitForAll(page);
  await region.getByRole('button', { name: 'Try again' }).click();
  await expect(line(page, 'Some build')).toBeVisible();
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
