import { BuildState } from '#server/gen/forest/v1/releases_pb.ts';
import { expectFitForAll } from './fit-for-all.ts';
import { becomes, build, expect, type Person, test } from './fixtures.ts';
import { shiftOf, watchShifts } from './page-faults.ts';
import { polledUntil } from './polling.ts';
import {
  bar,
  button,
  decisionsOn,
  details,
  dialog,
  line,
  list,
  openHome,
  PHONE,
  region,
  waiting,
} from './waiting-list.ts';

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

test('keeps an open row with its typed comment when the release ends meanwhile', async ({
  world,
  browserOf,
}) => {
  const [release] = await waiting(world, 'Ends meanwhile', 'Goes on');
  const page = await browserOf(world.people.reviewer);
  await page.clock.install();
  await openHome(page, 2);
  await details(page, 'Ends meanwhile').click();
  const comment = line(page, 'Ends meanwhile').getByLabel('Comment');
  await comment.fill('Half a sent');
  await world.people.author.api.releases.cancelRelease({ releaseIntentId: release?.intentId ?? '' });
  const ended = line(page, 'Ends meanwhile');
  await polledUntil(page, (within) => expect(ended).toContainText('This no longer waits for you.', within));
  await expect(button(page, 'Ends meanwhile', 'Approve')).toHaveCount(0);
});

test('keeps focus and typed text while the list is polled', async ({ world, browserOf }) => {
  await waiting(world, 'First build');
  const page = await browserOf(world.people.reviewer);
  await page.clock.install();
  await openHome(page, 1);
  const comment = line(page, 'First build').getByLabel('Comment');
  await comment.fill('Half a sent');
  await world.release(await world.annotate({ title: 'Late build' }), 'production');
  await polledUntil(page, (within) => expect(line(page, 'Late build')).toBeVisible(within));
  await expect(comment).toBeFocused();
  await expect(comment).toHaveValue('Half a sent');
});

test('is narrowed to an environment by keyboard, and never votes on what is hidden', async ({
  world,
  browserOf,
}) => {
  await waiting(world, 'For production');
  const page = await browserOf(world.people.reviewer);
  await page.clock.install();
  await openHome(page, 1);
  const filter = page.getByRole('group', { name: 'Environment' });
  await expect(filter).toHaveCount(0);
  await world.requireApprovals('staging', 1);
  for (const title of ['First for staging', 'Second for staging'])
    await world.release(await world.annotate({ title }), 'staging');
  await polledUntil(page, (within) => expect(list(page).getByRole('listitem')).toHaveCount(3, within));
  await expect(filter.getByRole('button')).toHaveText(['All', 'staging', 'production']);
  await expect(filter.getByRole('button', { name: 'All' })).toHaveAttribute('aria-pressed', 'true');
  await details(page, 'For production').click();
  await region(page).getByRole('checkbox', { name: 'Select all of shop' }).check();
  await expect(bar(page)).toContainText('3 selected');

  const staging = filter.getByRole('button', { name: 'staging' });
  await staging.focus();
  await page.keyboard.press('Enter');
  await expect(staging).toHaveAttribute('aria-pressed', 'true');
  await expect(filter.getByRole('button', { name: 'All' })).toHaveAttribute('aria-pressed', 'false');
  await expect(line(page, 'For production')).toHaveCount(0);
  await expect(list(page).getByRole('listitem')).toHaveCount(2);
  await expect(bar(page)).toContainText('2 selected');
  await expect(page.locator('[aria-live=polite]').getByText('Showing 2 for staging')).toBeAttached();
  await expectFitForAll(page);
  await bar(page).getByRole('button', { name: 'Approve 2…' }).click();
  await expect(dialog(page)).toContainText('Approve 2 releases?');
  await expect(dialog(page)).not.toContainText('production');
  await page.keyboard.press('Escape');

  // What was hidden is not selected any more, and an open row with a comment is never hidden.
  await filter.getByRole('button', { name: 'All' }).click();
  await expect(list(page).getByRole('listitem')).toHaveCount(3);
  await expect(bar(page)).toContainText('2 selected');
  await details(page, 'For production').click();
  await line(page, 'For production').getByLabel('Comment').fill('Half a sent');
  await staging.click();
  await expect(line(page, 'For production').getByLabel('Comment')).toHaveValue('Half a sent');
  await page.setViewportSize(PHONE.viewport);
  await expectFitForAll(page);
});

test('a long list is complete soon, keeps the place of what comes, and is walked to its end', async ({
  world,
  browserOf,
}) => {
  const page = await browserOf(world.people.reviewer);
  const approvals = Array.from({ length: 200 }, (_, n) => ({
    releaseIntentId: `00000000-0000-4000-8000-${String(n).padStart(12, '0')}`,
    project: { organisation: world.organisation, project: n < 100 ? 'shop' : 'search' },
    slug: `build-${n}`,
    title: `Build ${n}`,
    environment: n % 2 === 0 ? 'staging' : 'production',
    requiredApprovals: 2,
    authorUsername: 'author',
    waitingSince: new Date(Date.UTC(2026, 10, 24, 10, n)).toISOString(),
    stageId: 'stage',
    kind: 'PENDING_KIND_APPROVAL',
  }));
  await page.route(/ListPendingApprovals/, (route) => route.fulfill({ json: { approvals, total: 100 } }));
  await watchShifts(page);
  await page.goto('/');
  await expect(list(page).getByRole('listitem')).toHaveCount(200);
  expect(await shiftOf(page)).toBeLessThan(0.05);
  await page.keyboard.press('k');
  await expect(list(page).getByRole('link', { name: 'Build 199' })).toBeFocused();
  await page.getByRole('button', { name: 'production', exact: true }).click();
  await expect(list(page).getByRole('listitem')).toHaveCount(100);
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
  await page.clock.install();
  await page.goto('/');
  await expect(page.getByText('Nothing is waiting for you')).toBeVisible();
  await waiting(world, 'Late build');
  await polledUntil(page, (within) => expect(line(page, 'Late build')).toBeVisible(within));
  await expect(page.locator('[aria-live=polite]').getByText('1 release waits for you')).toBeAttached();
  await polledUntil(page, (within) => expect(page).toHaveTitle('(1) Forage', within));
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
  await page.clock.install();
  await openHome(page, 2);
  const before = await line(page, 'Second build').boundingBox();
  await page.route(/forest\.v1\./, (route) => route.abort('connectionrefused'));
  const words = /Can't reach the server\. Showing data from .* Retrying…/;
  await polledUntil(page, (within) => expect(region(page)).toContainText(words, within));
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
  await polledUntil(page, (within) =>
    expect(region(page)).not.toContainText("Can't reach the server", within),
  );
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
