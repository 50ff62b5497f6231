import type { Page } from 'playwright/test';
import { expect, openDeploy, test } from './fixtures.ts';

const pipeline = (page: Page) => page.getByRole('region', { name: 'Pipeline' });
const requirements = (page: Page) => page.getByRole('region', { name: 'Policy Requirements' });
const decisions = (page: Page) => requirements(page).getByRole('list', { name: 'Decisions' });
const button = (page: Page, name: string) => requirements(page).getByRole('button', { name });

test('deploys a release after its policy is created and two people approve', async ({ world, browserOf }) => {
  const { admin, author, reviewer, reviewerTwo } = world.people;
  const adminPage = await browserOf(admin);
  await adminPage.goto(world.page('policies'));
  await adminPage.getByLabel('Name', { exact: true }).fill('four-eyes');
  await adminPage.getByLabel('Type').selectOption({ label: 'Approval Required' });
  await adminPage.getByLabel('Target environment').selectOption('production');
  await adminPage.getByLabel('Required approvals').fill('2');
  await adminPage.getByRole('button', { name: 'Create Policy' }).click();
  await expect(adminPage.getByText('production · 2 approvals')).toBeVisible();

  const { slug, context } = await world.annotate({ title: 'Charge the total of the basket' });
  const authorPage = await browserOf(author);
  await authorPage.goto(world.page());
  await authorPage.getByRole('link', { name: context?.title ?? '' }).click();
  await expect(authorPage).toHaveURL(world.page(`releases/${slug}`));
  const deploy = await openDeploy(authorPage);
  await deploy.getByLabel('Target environment').selectOption('production');
  await expect(deploy).toContainText('production requires approvals (four-eyes)');
  await deploy.getByRole('button', { name: 'Deploy' }).click();
  await expect(pipeline(authorPage)).toContainText('Awaiting approval for production');
  await expect(requirements(authorPage)).toContainText('0/1 passed');
  await expect(requirements(authorPage)).toContainText('0/2 approvals');
  await expect(requirements(authorPage)).toContainText('You cannot approve your own release.');
  await expect(button(authorPage, 'Approve')).toHaveCount(0);
  await expect(button(authorPage, 'Bypass (Admin)')).toHaveCount(0);

  const first = await browserOf(reviewer);
  await first.goto('/');
  await first
    .getByRole('list', { name: 'Waiting for you' })
    .getByRole('link', { name: context?.title ?? '' })
    .click();
  await expect(requirements(first)).toBeInViewport();
  await requirements(first).getByLabel('Comment').fill('Checked against the invoices.');
  await button(first, 'Approve').click();
  await expect(requirements(first)).toContainText('1/2 approvals');
  await expect(requirements(first)).toContainText('You approved this release');
  await expect(button(first, 'Approve')).toHaveCount(0);
  await expect(button(first, 'Reject')).toBeVisible();

  const second = await browserOf(reviewerTwo);
  await second.goto(world.page(`releases/${slug}`));
  await expect(decisions(second)).toContainText(`${reviewer.username} approved`);
  await expect(decisions(second)).toContainText('Checked against the invoices.');
  await button(second, 'Approve').click();
  await expect(pipeline(second)).toContainText('Deployed to production');
  // Every page follows without a reload.
  for (const page of [authorPage, first, second]) {
    await expect(requirements(page)).toContainText('2/2 approvals');
    await expect(pipeline(page)).toContainText('1/1 stages complete');
    const destinations = page.getByRole('region', { name: 'Destinations' });
    for (const name of ['eu-west', 'us-east']) {
      await expect(destinations.getByRole('row').filter({ hasText: name })).toContainText('Live');
    }
    await expect(button(page, 'Approve')).toHaveCount(0);
  }
});

test('updates the count in a second browser without a reload', async ({ world, browserOf }) => {
  const gated = await world.gated();
  const { reviewer, reviewerTwo } = world.people;
  const page = await browserOf(reviewerTwo);
  await page.goto(gated.address);
  await expect(requirements(page)).toContainText('0/2 approvals');
  const comment = requirements(page).getByLabel('Comment');
  await comment.fill('Still reading');
  await gated.approve(reviewer, 'Fine by me.');
  await expect(requirements(page)).toContainText('1/2 approvals');
  await expect(decisions(page)).toContainText(`${reviewer.username} approved`);
  await expect(decisions(page)).toContainText('Fine by me.');
  await expect(comment).toHaveValue('Still reading');
  await expect(comment).toBeFocused();
});

test('lets the person who rejected approve afterwards', async ({ world, browserOf }) => {
  const { reviewer } = world.people;
  const { address } = await world.gated(1);
  const page = await browserOf(reviewer);
  await page.goto(address);
  await requirements(page).getByLabel('Comment').fill('The migration is missing.');
  await button(page, 'Reject').click();
  await expect(decisions(page)).toContainText(`${reviewer.username} rejected`);
  await expect(decisions(page)).toContainText('The migration is missing.');
  await expect(requirements(page)).toContainText('You rejected this release');
  await expect(requirements(page)).toContainText('0/1 approvals');
  await expect(pipeline(page)).toContainText('Awaiting approval for production');
  await expect(requirements(page).getByLabel('Comment')).toHaveValue('');

  await button(page, 'Approve').click();
  await expect(pipeline(page)).toContainText('Deployed to production');
  await expect(requirements(page)).toContainText('1/1 approvals');
  await expect(decisions(page).getByRole('listitem')).toHaveCount(1);
  await expect(decisions(page)).toContainText(`${reviewer.username} approved`);
});

test('lowers the count when an approval is changed to a rejection', async ({ world, browserOf }) => {
  const gated = await world.gated();
  await gated.approve(world.people.reviewer);
  const page = await browserOf(world.people.reviewer);
  await page.goto(gated.address);
  await expect(requirements(page)).toContainText('1/2 approvals');
  await button(page, 'Reject').click();
  await expect(requirements(page)).toContainText('0/2 approvals');
  await expect(requirements(page)).toContainText('You rejected this release');
});

test('bypasses with a reason and records it; Cancel and Escape change nothing', async ({
  world,
  browserOf,
}) => {
  const { admin, reviewer } = world.people;
  const { artifact, address, intentId } = await world.gated();
  const page = await browserOf(admin);
  await page.goto(address);
  const dialog = page.getByRole('alertdialog', { name: 'Bypass approval?' });
  const open = () => button(page, 'Bypass (Admin)').click();

  await open();
  await expect(dialog).toContainText('production');
  await expect(dialog).toContainText(artifact.slug);
  await expect(dialog).toContainText('This skips 2 of 2 approvals for production');
  await dialog.getByRole('button', { name: 'Cancel' }).click();
  await expect(dialog).toBeHidden();
  await expect(button(page, 'Bypass (Admin)')).toBeFocused();

  await open();
  await dialog.getByLabel('Reason').fill('On second thoughts');
  await page.keyboard.press('Escape');
  await expect(dialog).toBeHidden();
  await expect(requirements(page)).toContainText('No decisions yet.');
  await expect(pipeline(page)).toContainText('Awaiting approval for production');

  await open();
  await dialog.getByLabel('Reason').fill('   ');
  await dialog.getByRole('button', { name: 'Bypass approval' }).click();
  await expect(dialog.getByLabel('Reason')).toBeFocused();
  await expect(dialog.getByLabel('Reason')).toHaveAccessibleDescription(/Enter a reason/);
  const before = await admin.api.policies.getApprovalState({
    project: world.project,
    releaseIntentId: intentId,
    targetEnvironment: 'production',
  });
  expect(before.state?.decisions).toEqual([]);

  await dialog.getByLabel('Reason').fill('Payments are down; reviewers are asleep.');
  await dialog.getByRole('button', { name: 'Bypass approval' }).click();
  await expect(dialog).toBeHidden();
  await expect(pipeline(page)).toContainText('Deployed to production');
  await expect(decisions(page)).toContainText(`${admin.username} bypassed`);
  await expect(decisions(page)).toContainText('Payments are down; reviewers are asleep.');
  // A bypass is not counted as an approval.
  await expect(requirements(page)).toContainText('0/2 approvals');
  await expect(requirements(page)).toContainText('1/1 passed');

  const reader = await browserOf(reviewer);
  await reader.goto(address);
  await expect(decisions(reader)).toContainText(`${admin.username} bypassed`);
});

test('offers members no bypass', async ({ world, browserOf }) => {
  const { address } = await world.gated();
  const page = await browserOf(world.people.reviewer);
  await page.goto(address);
  await expect(button(page, 'Approve')).toBeVisible();
  await expect(button(page, 'Reject')).toBeVisible();
  await expect(button(page, 'Bypass (Admin)')).toHaveCount(0);
});

test('offers an admin who is the author the bypass in place of Approve', async ({ world, browserOf }) => {
  const { admin } = world.people;
  await world.requireApprovals('production', 1);
  const { artifactId, slug } = await world.annotate();
  await admin.api.releases.release({ artifactId, environments: ['production'] });
  const page = await browserOf(admin);
  await page.goto(world.page(`releases/${slug}`));
  await expect(button(page, 'Bypass (Admin)')).toBeVisible();
  await expect(button(page, 'Approve')).toHaveCount(0);
  await expect(requirements(page)).toContainText('You cannot approve your own release.');
  await button(page, 'Bypass (Admin)').click();
  const dialog = page.getByRole('alertdialog', { name: 'Bypass approval?' });
  await dialog.getByLabel('Reason').fill('The only person on call.');
  await dialog.getByRole('button', { name: 'Bypass approval' }).click();
  await expect(pipeline(page)).toContainText('Deployed to production');
});

/** Delays the page's polls until the returned function is called, so that the page does not notice changes. */
async function holdPolls(page: Page): Promise<() => void> {
  let letThrough = () => {};
  const held = new Promise<void>((go) => {
    letThrough = go;
  });
  await page.route(/GetReleaseRequirements|GetReleaseIntentStates/, async (route) => {
    await held;
    await route.continue();
  });
  return letThrough;
}

test('explains why a vote on a cancelled release was refused, and keeps the comment', async ({
  world,
  browserOf,
}) => {
  const { author, reviewer } = world.people;
  const { address, intentId } = await world.gated();
  const page = await browserOf(reviewer);
  await page.goto(address);
  await expect(button(page, 'Approve')).toBeVisible();
  const letThrough = await holdPolls(page);
  await author.api.releases.cancelRelease({ releaseIntentId: intentId });
  await requirements(page).getByLabel('Comment').fill('Good to go');
  await button(page, 'Approve').click();
  const refusal = requirements(page).getByRole('alert');
  await expect(refusal).toContainText(/Your approval was not recorded: .*cancelled/);
  await expect(requirements(page)).toContainText('0/2 approvals');
  await expect(requirements(page)).toContainText('No decisions yet.');
  await expect(requirements(page).getByLabel('Comment')).toHaveValue('Good to go');
  // The next answer removes the buttons; the reason stays.
  letThrough();
  await expect(pipeline(page)).toContainText('Cancelled production');
  await expect(button(page, 'Approve')).toHaveCount(0);
  await expect(refusal).toBeVisible();
});

test('explains why the vote of a removed member was refused', async ({ world, browserOf }) => {
  const { admin, reviewer } = world.people;
  const { address } = await world.gated();
  const page = await browserOf(reviewer);
  await page.goto(address);
  await expect(button(page, 'Reject')).toBeVisible();
  await holdPolls(page);
  const { organisations } = await admin.api.organisations.listMyOrganisations({});
  const organisationId = organisations[0]?.organisationId ?? '';
  await admin.api.organisations.removeMember({ organisationId, userId: reviewer.userId });
  await button(page, 'Reject').click();
  await expect(requirements(page).getByRole('alert')).toContainText('Your rejection was not recorded:');
  await expect(requirements(page)).toContainText('No decisions yet.');
});

test('marks votes of removed members as no longer counted', async ({ world, browserOf }) => {
  const { admin, reviewer, reviewerTwo } = world.people;
  const gated = await world.gated();
  const page = await browserOf(reviewerTwo);
  await page.goto(gated.address);
  await gated.approve(reviewer);
  await expect(requirements(page)).toContainText('1/2 approvals');
  const { organisations } = await admin.api.organisations.listMyOrganisations({});
  const organisationId = organisations[0]?.organisationId ?? '';
  await admin.api.organisations.removeMember({ organisationId, userId: reviewer.userId });
  await expect(requirements(page)).toContainText('0/2 approvals');
  await expect(decisions(page)).toContainText('no longer counts');
});

test('reports a comment that is too long before it is sent', async ({ world, browserOf }) => {
  const { address } = await world.gated();
  const page = await browserOf(world.people.reviewer);
  await page.goto(address);
  await requirements(page).getByLabel('Comment').fill('x'.repeat(2_001));
  await button(page, 'Approve').click();
  await expect(requirements(page).getByLabel('Comment')).toHaveAccessibleDescription(
    /Must be at most 2,000 characters/,
  );
  await expect(requirements(page)).toContainText('0/2 approvals');
});

test('a vote and a bypass by keyboard alone', async ({ world, browserOf }) => {
  const { admin, reviewer } = world.people;
  const { address } = await world.gated();
  const page = await browserOf(reviewer);
  await page.goto(address);
  await tabTo(page, 'Comment');
  await page.keyboard.type('By keyboard');
  await tabTo(page, 'Approve');
  await page.keyboard.press('Enter');
  await expect(requirements(page)).toContainText('1/2 approvals');
  await expect(decisions(page)).toContainText('By keyboard');
  // The button is removed; the focus stays in the panel.
  await expect(requirements(page).getByRole('heading', { name: 'production' })).toBeFocused();

  const adminPage = await browserOf(admin);
  await adminPage.goto(address);
  await tabTo(adminPage, 'Bypass (Admin)');
  await adminPage.keyboard.press('Enter');
  const dialog = adminPage.getByRole('alertdialog', { name: 'Bypass approval?' });
  await expect(dialog).toBeVisible();
  await tabTo(adminPage, 'Reason');
  await adminPage.keyboard.type('Alone with a keyboard');
  await tabTo(adminPage, 'Bypass approval');
  await adminPage.keyboard.press('Space');
  await expect(dialog).toBeHidden();
  await expect(pipeline(adminPage)).toContainText('Deployed to production');
});

/** Presses Tab until the focus is on the control of that name. */
async function tabTo(page: Page, name: string): Promise<void> {
  const control = page
    .getByRole('button', { name, exact: true })
    .or(page.getByRole('textbox', { name, exact: true }));
  await expect(control).toBeVisible();
  const focused = control.and(page.locator(':focus'));
  for (let step = 0; step < 40; step++) {
    await page.keyboard.press('Tab');
    if ((await focused.count()) === 1) return;
  }
  throw new Error(`40 times Tab did not reach ${name}`);
}

test('records one vote for a double click and does not change it back', async ({ world, browserOf }) => {
  const { address } = await world.gated();
  const page = await browserOf(world.people.reviewer);
  await page.goto(address);
  // What loads last: after it, the buttons keep their position.
  await expect(page.getByText('Nothing is live yet')).toBeVisible();
  for (const [name, verb] of [
    ['Approve', 'approved'],
    ['Reject', 'rejected'],
    ['Approve', 'approved'],
  ] as const) {
    // Waits until the button no longer moves.
    await button(page, name).hover();
    const { x = 0, y = 0, width = 0, height = 0 } = (await button(page, name).boundingBox()) ?? {};
    const press = () => page.mouse.click(x + width / 2, y + height / 2);
    await press();
    await expect(button(page, name)).toHaveCount(0);
    await press();
    // Another vote would be known by the page's next poll.
    await page.waitForResponse(/GetReleaseRequirements/);
    await expect(requirements(page)).toContainText(`You ${verb} this release`);
  }
});
