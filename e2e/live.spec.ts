import type { Page } from 'playwright/test';
import { expect, test } from './fixtures.ts';
import { expectNoFaults } from './page-faults.ts';

const requirements = (page: Page) => page.getByRole('region', { name: 'Policy Requirements' });
const pipeline = (page: Page) => page.getByRole('region', { name: 'Pipeline' });
const button = (page: Page, name: string) => requirements(page).getByRole('button', { name, exact: true });

test('counts the votes of two people at the same time, and shows both to each', async ({
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

test('keeps a comment being typed while another person votes, and announces the new count', async ({
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

test('shows what is missing, who can provide it, and what a vote would do', async ({ world, browserOf }) => {
  const { author, reviewer, reviewerTwo, admin } = world.people;
  const gated = await world.gated(2);
  const page = await browserOf(reviewer);
  await page.goto(gated.address);
  await expect(requirements(page)).toContainText(
    `2 more approvals needed from anyone except ${author.username}: `,
  );
  await expect(requirements(page)).toContainText('Your approval is 1 of 2.');
  await expect(requirements(page)).toContainText('A rejection is shown to everyone. It does not block.');
  await gated.approve(reviewerTwo);
  await expect(requirements(page)).toContainText(
    `1 more approval needed from anyone except ${author.username}: `,
  );
  await expect(requirements(page)).toContainText(reviewer.username);
  await expect(requirements(page)).toContainText(admin.username);
  await expect(button(page, 'Approve')).toHaveAccessibleDescription(
    'Your approval completes this policy; production opens at once.',
  );
});

test('with a soak time, shows when a vote opens the gate and counts the soak down', async ({
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
  await expect(requirements(page)).toContainText(/1h in staging, ends .*\d\d:\d\d \(59m \d+s left\)/);
  await expect(requirements(page)).toContainText(
    /Your approval completes this policy; production opens when the soak ends at (\w+ )*\d\d:\d\d\./,
  );
  // By the server's clock, even on a laptop that is an hour behind.
  const late = await browserOf(admin);
  await late.clock.install({ time: Date.now() - 3_600_000 });
  await late.goto(world.page(`releases/${artifact.slug}`));
  await expect(requirements(late)).toContainText(/\(59m \d+s left\)/);
});

test('keeps the whole page live with one poll; an unchanged answer is a 304', async ({
  world,
  browserOf,
}) => {
  const { address } = await world.gated();
  const page = await browserOf(world.people.reviewer);
  await page.goto(address);
  await expect(requirements(page)).toContainText('0/2 approvals');
  await expect(page.getByText('Nothing is live yet')).toBeVisible();
  const polls: { method: string }[] = [];
  // After a 304 the page gets the answer from the browser's cache, so only the protocol below shows the status.
  const protocol = await page.context().newCDPSession(page);
  await protocol.send('Network.enable');
  protocol.on('Network.requestWillBeSent', ({ request }) => {
    const method = /forest\.v1\.\w+\/(\w+)/.exec(request.url)?.[1];
    if (method) polls.push({ method });
  });
  const statuses: number[] = [];
  protocol.on('Network.responseReceivedExtraInfo', ({ statusCode }) => statuses.push(statusCode));
  // Answers to earlier requests may arrive first.
  await expect.poll(() => statuses.slice(-3), { timeout: 40_000 }).toEqual([304, 304, 304]);
  expect(new Set(polls.slice(-3).map(({ method }) => method))).toEqual(new Set(['GetReleaseRequirements']));
});

test('sends no vote while the server is unreachable, keeps the comment and offers Try again', async ({
  world,
  browserOf,
}) => {
  const { address } = await world.gated();
  const page = await browserOf(world.people.reviewer);
  await page.goto(address);
  await requirements(page).getByLabel('Comment').fill('Before the tunnel');
  await page.context().setOffline(true);
  await button(page, 'Approve').click();
  const failure = requirements(page).getByRole('alert');
  await expect(failure).toHaveText("Can't reach the server. Your approval hasn't been sent. Try again.");
  await expect(page.getByRole('status').filter({ hasText: "Can't reach the server" })).toBeVisible();
  await expect(requirements(page)).toContainText('0/2 approvals');
  await expectNoFaults(page);
  await page.context().setOffline(false);
  await expect(page.getByRole('status').filter({ hasText: "Can't reach the server" })).toBeHidden();
  await expect(requirements(page)).toContainText('No decisions yet.');
  await expect(requirements(page).getByLabel('Comment')).toHaveValue('Before the tunnel');
  await button(page, 'Try again').click();
  await expect(requirements(page)).toContainText('1/2 approvals');
  await expect(requirements(page)).toContainText('You approved this release');
  await expect(failure).toBeHidden();
  await expect(requirements(page).getByRole('list', { name: 'Decisions' })).toContainText(
    'Before the tunnel',
  );
  await expect(requirements(page).getByLabel('Comment')).toHaveValue('');
});

test('sends no bypass after the release has ended while the dialog is open', async ({ world, browserOf }) => {
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

test('keeps the form of a policy that was deleted during editing, and reports the deletion', async ({
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

test('refreshes a page that is reached by the back button immediately', async ({ world, browserOf }) => {
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
