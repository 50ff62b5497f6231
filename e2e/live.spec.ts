import { AxeBuilder } from '@axe-core/playwright';
import type { Page } from 'playwright/test';
import { expect, test } from './fixtures.ts';

const requirements = (page: Page) => page.getByRole('region', { name: 'Policy Requirements' });
const pipeline = (page: Page) => page.getByRole('region', { name: 'Pipeline' });
const button = (page: Page, name: string) => requirements(page).getByRole('button', { name, exact: true });
const effects = (page: Page) => requirements(page).getByRole('list', { name: 'What your vote would do' });

test('two people at once on one release: both votes count, each sees the other’s', async ({
  world,
  browserOf,
}) => {
  const { reviewer, reviewerTwo } = world.people;
  const { address } = await world.gated(2);
  const [one, two] = await Promise.all([browserOf(reviewer), browserOf(reviewerTwo)]);
  await Promise.all([one.goto(address), two.goto(address)]);
  await one.getByLabel('Comment').fill('From one side');
  await two.getByLabel('Comment').fill('From the other side');
  await Promise.all([button(one, 'Approve').click(), button(two, 'Approve').click()]);
  for (const page of [one, two]) {
    await expect(requirements(page)).toContainText('2/2 approvals');
    await expect(requirements(page)).toContainText('From one side');
    await expect(requirements(page)).toContainText('From the other side');
    await expect(pipeline(page)).toContainText('Deployed to production');
  }
});

test('what is being written stays while somebody else votes, and the changed count is announced', async ({
  world,
  browserOf,
}) => {
  const gated = await world.gated(2);
  const page = await browserOf(world.people.reviewer);
  await page.goto(gated.address);
  const comment = requirements(page).getByLabel('Comment');
  await comment.pressSequentially('Half a sent');
  await gated.approve(world.people.reviewerTwo);
  await expect(requirements(page)).toContainText('1/2 approvals');
  await expect(requirements(page).locator('[aria-live="polite"]')).toHaveText('production: 1 of 2 approvals');
  await expect(comment).toBeFocused();
  await comment.pressSequentially('ence');
  await expect(comment).toHaveValue('Half a sentence');
});

test('beside a requirement stands what is missing, who can supply it, and what a vote would do', async ({
  world,
  browserOf,
}) => {
  const { author, reviewer, reviewerTwo, admin } = world.people;
  const gated = await world.gated(2);
  const page = await browserOf(reviewer);
  await page.goto(gated.address);
  await expect(requirements(page)).toContainText(`2 more approvals, from anyone but ${author.username}: `);
  await expect(effects(page)).toContainText(
    'Approve approve-production still blocks (awaiting approval: 1/2).',
  );
  await gated.approve(reviewerTwo);
  await expect(requirements(page)).toContainText(`1 more approval, from anyone but ${author.username}: `);
  await expect(requirements(page)).toContainText(reviewer.username);
  await expect(requirements(page)).toContainText(admin.username);
  await expect(effects(page)).toContainText('Approve completes approve-production; opens the gate at once.');
  await expect(button(page, 'Approve')).toHaveAccessibleDescription(/completes approve-production/);
});

test('with a soak beside it, a vote says when the gate opens, and the soak counts down', async ({
  world,
  browserOf,
}) => {
  const { admin, reviewer } = world.people;
  await world.soak('staging', 'production', 3600n);
  await world.requireApprovals('production', 1);
  await world.addPipeline('main-line', [
    { id: 'staging', config: { case: 'deploy', value: { environment: 'staging' } } },
    {
      id: 'production',
      dependsOn: ['staging'],
      config: { case: 'deploy', value: { environment: 'production' } },
    },
  ]);
  const artifact = await world.annotate();
  await world.releaseBy('main-line', artifact);
  const page = await browserOf(reviewer);
  await page.goto(world.page(`releases/${artifact.slug}`));
  await expect(requirements(page)).toContainText(/Passes by itself in 59m \d+s/);
  await expect(effects(page)).toContainText(
    /Approve completes approve-production; opens when the soak ends at \d\d:\d\d/,
  );
  // By the server's clock, also on a laptop that is an hour behind.
  const late = await browserOf(admin);
  await late.clock.install({ time: Date.now() - 3_600_000 });
  await late.goto(world.page(`releases/${artifact.slug}`));
  await expect(requirements(late)).toContainText(/Passes by itself in 59m \d+s/);
});

test('one poll keeps the whole page live; an unchanged answer is a 304', async ({ world, browserOf }) => {
  const { address } = await world.gated();
  const page = await browserOf(world.people.reviewer);
  await page.goto(address);
  await expect(requirements(page)).toContainText('0/2 approvals');
  await expect(page.getByRole('region', { name: 'Deploy this release' }).getByRole('button')).toBeVisible();
  const polls: { method: string }[] = [];
  // The browser answers the page from its cache after a 304: only the protocol below tells.
  const protocol = await page.context().newCDPSession(page);
  await protocol.send('Network.enable');
  protocol.on('Network.requestWillBeSent', ({ request }) => {
    const method = /forest\.v1\.\w+\/(\w+)/.exec(request.url)?.[1];
    if (method) polls.push({ method });
  });
  const statuses: number[] = [];
  protocol.on('Network.responseReceivedExtraInfo', ({ statusCode }) => statuses.push(statusCode));
  // What the page was still being given when the listening began may come first.
  await expect.poll(() => statuses.slice(-3), { timeout: 20_000 }).toEqual([304, 304, 304]);
  expect(new Set(polls.slice(-3).map(({ method }) => method))).toEqual(new Set(['GetReleaseRequirements']));
});

test('the network is cut during a vote and comes back: the vote is held back, then counts', async ({
  world,
  browserOf,
}) => {
  const { address } = await world.gated();
  const page = await browserOf(world.people.reviewer);
  await page.goto(address);
  await requirements(page).getByLabel('Comment').fill('Before the tunnel');
  await page.context().setOffline(true);
  await button(page, 'Approve').click();
  const held = requirements(page).getByRole('alert');
  await expect(held).toContainText('Your approval was not recorded: The server does not answer.');
  await expect(held).toContainText(/It is held back since .* and sent as soon as the server answers/);
  await expect(page.getByRole('status').filter({ hasText: 'Out of date since' })).toBeVisible();
  await expect(requirements(page)).toContainText('0/2 approvals');
  await expect(requirements(page).getByLabel('Comment')).toHaveValue('Before the tunnel');
  await page.context().setOffline(false);
  await expect(requirements(page)).toContainText('1/2 approvals');
  await expect(requirements(page)).toContainText('You approved this release');
  await expect(held).toBeHidden();
  await expect(requirements(page).getByRole('list', { name: 'Decisions' })).toContainText(
    'Before the tunnel',
  );
  await expect(requirements(page).getByLabel('Comment')).toHaveValue('');
});

test('a vote that is held back can be taken back, and is not sent then', async ({ world, browserOf }) => {
  const { address } = await world.gated();
  const page = await browserOf(world.people.reviewer);
  await page.goto(address);
  await expect(button(page, 'Reject')).toBeVisible();
  await page.context().setOffline(true);
  await button(page, 'Reject').click();
  await expect(requirements(page).getByRole('alert')).toContainText('Your rejection was not recorded:');
  const results = await new AxeBuilder({ page }).withTags(['wcag2a', 'wcag2aa', 'wcag22aa']).analyze();
  expect(results.violations).toEqual([]);
  await button(page, 'Do not send it').click();
  await page.context().setOffline(false);
  await expect(page.getByRole('status').filter({ hasText: 'Out of date since' })).toBeHidden();
  await expect(requirements(page).getByRole('alert')).toHaveCount(0);
  await expect(requirements(page)).toContainText('Nobody has decided yet.');
});

test('a vote that was held back past the end of the release is refused in words', async ({
  world,
  browserOf,
}) => {
  const { author, reviewer } = world.people;
  const { address, intentId } = await world.gated();
  const page = await browserOf(reviewer);
  await page.goto(address);
  await expect(button(page, 'Approve')).toBeVisible();
  await page.context().setOffline(true);
  await button(page, 'Approve').click();
  await expect(requirements(page).getByRole('alert')).toContainText('held back');
  await author.api.releases.cancelRelease({ releaseIntentId: intentId });
  await page.context().setOffline(false);
  await expect(requirements(page).getByRole('alert')).toContainText(
    /Your approval was not recorded: .*cancelled/,
  );
  await expect(pipeline(page)).toContainText('Cancelled production');
});

test('a release that ends while the bypass dialog is open: nothing is sent, and it says so', async ({
  world,
  browserOf,
}) => {
  const { admin, author } = world.people;
  const { address, intentId } = await world.gated();
  const page = await browserOf(admin);
  await page.goto(address);
  await button(page, 'Bypass (Admin)').click();
  const dialog = page.getByRole('alertdialog', { name: 'Bypass approval?' });
  await dialog.getByLabel('Reason').fill('It cannot wait');
  await author.api.releases.cancelRelease({ releaseIntentId: intentId });
  await expect(dialog.getByRole('alert')).toContainText('This release has ended in the meantime');
  await expect(dialog.getByRole('button', { name: 'Bypass approval' })).toHaveCount(0);
  await dialog.getByRole('button', { name: 'Cancel' }).click();
  await expect(dialog).toBeHidden();
  await expect(pipeline(page)).toContainText('Cancelled production');
});

test('a policy deleted while its editor is open: the refusal says so, and what was typed stays', async ({
  world,
  browserOf,
}) => {
  const { admin } = world.people;
  await world.requireApprovals('production', 1, 'short-lived');
  const page = await browserOf(admin);
  await page.goto(world.page('policies/short-lived'));
  const required = page.getByLabel('Required approvals');
  await required.fill('2');
  await admin.api.policies.deletePolicy({ project: world.project, name: 'short-lived' });
  await page.getByRole('button', { name: 'Save Changes' }).click();
  await expect(page.getByRole('alert')).toContainText(/short-lived.*not found|not found.*short-lived/);
  await expect(required).toHaveValue('2');
  await page.getByRole('button', { name: 'Cancel' }).click();
  await expect(page.getByText('No deployment policies configured.')).toBeVisible();
});

test('a page that is reached by back is live again at once', async ({ world, browserOf }) => {
  const gated = await world.gated(2);
  const page = await browserOf(world.people.reviewer);
  await page.goto(gated.address);
  await expect(requirements(page)).toContainText('0/2 approvals');
  await page.getByRole('link', { name: 'Policies' }).click();
  await expect(page.getByRole('heading', { name: 'Deployment Policies' })).toBeVisible();
  await gated.approve(world.people.reviewerTwo);
  await page.goBack();
  await expect(requirements(page)).toContainText('1/2 approvals');
});
