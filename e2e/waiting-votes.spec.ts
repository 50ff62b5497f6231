import { BuildState } from '#server/gen/forest/v1/releases_pb.ts';
import { expectFitForAll } from './fit-for-all.ts';
import { becomes, build, expect, test } from './fixtures.ts';
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
  region,
  waiting,
  waitingVersions,
} from './waiting-list.ts';

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
  await page.clock.install();
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
  // Nobody is at the row any longer.
  await page.mouse.move(0, 0);
  await details(page, 'Version 1.2.0').focus();
  await polledUntil(page, (within) => expect(row).toHaveCount(0, within));
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

test('each active release of a build has an address, a tab and votes of its own', async ({
  world,
  browserOf,
}) => {
  const { author, reviewer } = world.people;
  await world.requireApprovals('production', 1);
  await world.requireApprovals('staging', 1);
  const build = await world.annotate({ title: 'Released twice' });
  await world.addPipeline('to-staging', [
    { id: 'staging', config: { case: 'deploy', value: { environment: 'staging' } } },
  ]);
  const first = await world.releaseBy('to-staging', build);
  const second = await world.release(build, 'production');
  const page = await browserOf(reviewer);
  await openHome(page, 2);
  await list(page).getByRole('listitem').filter({ hasText: 'staging' }).getByRole('link').first().click();
  await expect(page).toHaveURL(new RegExp(`release=${first}#policy-requirements$`));
  const requirements = page.getByRole('region', { name: 'Policy Requirements' });
  const pipeline = page.getByRole('region', { name: 'Pipeline' });
  const tab = (name: string) => page.getByRole('tab', { name });
  await expect(tab('to-staging')).toHaveAttribute('aria-selected', 'true');
  await expect(tab('production only')).toContainText('Awaiting approval 0/1');
  await expect(page.getByRole('tabpanel', { name: 'to-staging' })).toContainText('Policy Requirements');
  await expect(requirements).toHaveCount(1);
  await expect(requirements.getByRole('heading', { name: 'staging' })).toBeVisible();

  // By keyboard there and back: the focus stays on the tabs, and a typed comment is kept.
  await requirements.getByLabel('Comment').fill('Read and tried.');
  await tab('to-staging').focus();
  await page.keyboard.press('ArrowRight');
  await expect(tab('production only')).toBeFocused();
  await expect(page).toHaveURL(new RegExp(`release=${second}$`));
  await expect(requirements.getByRole('heading', { name: 'production' })).toBeVisible();
  await expect(requirements.getByLabel('Comment')).toHaveValue('');
  await expectFitForAll(page);
  await page.keyboard.press('ArrowRight');
  await expect(tab('to-staging')).toBeFocused();
  await expect(requirements.getByLabel('Comment')).toHaveValue('Read and tried.');

  await requirements.getByRole('button', { name: 'Approve', exact: true }).click();
  await expect(pipeline).toContainText('Deployed to staging');
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

test('a vote on one of several releases does not put the buttons of another in its place', async ({
  world,
  browserOf,
}) => {
  await world.requireApprovals('production', 1);
  await world.requireApprovals('staging', 1);
  const build = await world.annotate({ title: 'Released twice' });
  await world.release(build, 'staging');
  await world.release(build, 'production');
  const page = await browserOf(world.people.reviewer, { viewport: { width: 390, height: 844 } });
  // Without a release in the address.
  await page.goto(world.page(`releases/${build.slug}`));
  await expect(page.getByRole('tab', { name: 'production only' })).toHaveAttribute('aria-selected', 'true');
  await expectFitForAll(page);
  const requirements = page.getByRole('region', { name: 'Policy Requirements' });
  await requirements.getByRole('button', { name: 'Approve', exact: true }).click();
  await expect(page.getByRole('region', { name: 'Pipeline' })).toContainText('Deployed to production');
  await expect(page.getByRole('tab', { name: 'production only' })).toHaveAttribute('aria-selected', 'true');
  await page.getByRole('tab', { name: 'staging only' }).click();
  await expect(requirements.getByRole('heading', { name: 'staging' })).toBeVisible();
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
