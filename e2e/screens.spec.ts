import type { Page } from 'playwright/test';
import { PolicyType } from '#server/gen/forest/v1/policies_pb.ts';
import { expect, signIn, test, type World } from './fixtures.ts';
import { overhang } from './page-faults.ts';

test('an unknown address has its own page with a link', async ({ world, browserOf }) => {
  const page = await browserOf(world.people.reviewer);
  await page.goto('/nowhere/at/all');
  await expect(page.getByRole('heading', { name: 'Page not found' })).toBeVisible();
  await expect(page.getByText(`Signed in as ${world.people.reviewer.username}.`)).toBeVisible();
  await page.getByRole('link', { name: 'Go to home' }).click();
  await expect(page.getByRole('region', { name: 'Waiting for you' })).toBeVisible();
});

test('pages of other organisations look like unknown pages', async ({ world, newcomer, browserOf }) => {
  const { artifact, address } = await world.gated();
  const page = await browserOf(await newcomer());
  for (const path of [
    address,
    world.page(),
    world.page('policies'),
    world.page('policies/approve-production'),
    world.page(`releases/no-${artifact.slug}`),
    `/orgs/${world.organisation}`,
  ]) {
    await page.goto(path);
    await expect(page.getByRole('heading', { name: 'Page not found' }), path).toBeVisible();
    await expect(page.getByRole('link', { name: 'Go to home' })).toBeVisible();
    // No tabs of an organisation that the user is not in.
    await expect(page.getByRole('navigation')).toHaveCount(0);
    await expect(page.getByRole('button', { name: /switch organisation/ })).toHaveCount(0);
    await expect(page.getByText(artifact.context?.title ?? '')).toHaveCount(0);
  }
  await page.getByRole('button', { name: 'Sign in as someone else' }).click();
  await expect(page).toHaveURL(/\/sign-in\?next=/);
  // The same for a member's typo.
  const member = await browserOf(world.people.reviewer);
  await member.goto(world.page('releases/no-such-build'));
  await expect(member.getByRole('heading', { name: 'Page not found' })).toBeVisible();
});

test('shows an unavailable server, and recovers', async ({ page, ownServer }) => {
  const server = await ownServer();
  await page.goto(server.setUpAddress);
  await page.getByLabel('Organisation').fill('acme');
  await page.getByLabel('Username').fill('founder');
  await page.getByLabel('Email').fill('founder@example.com');
  await page.getByLabel('Password').fill('correct horse battery staple');
  await page.getByRole('button', { name: 'Set up Forage' }).click();
  const environments = page
    .getByRole('navigation', { name: 'Organisation' })
    .getByRole('link', { name: 'Environments' });
  await expect(environments).toBeVisible();
  await server.stop();
  await environments.click();
  await expect(page.getByRole('heading', { name: "Can't reach the server" })).toBeVisible();
  await server.restart();
  await page.getByRole('button', { name: 'Try again' }).click();
  await expect(page.getByRole('heading', { level: 1, name: 'Environments' })).toBeVisible();
});

test('keeps data while polling fails, and recovers', async ({ world, browserOf }) => {
  const { reviewer, reviewerTwo } = world.people;
  const gated = await world.gated();
  const page = await browserOf(reviewerTwo);
  await page.goto(gated.address);
  await expect(page.getByText('0/2 approvals')).toBeVisible();
  await page.route(/\/forest\.v1\./, (route) => route.abort('connectionrefused'));
  const bar = page.getByRole('status').filter({ hasText: "Can't reach the server" });
  await expect(bar).toBeVisible();
  await expect(page.getByText('0/2 approvals')).toBeVisible();
  await expect(page.getByRole('button', { name: 'Approve' })).toBeVisible();
  await gated.approve(reviewer);
  await page.unroute(/\/forest\.v1\./);
  await expect(page.getByText('1/2 approvals')).toBeVisible();
  await expect(bar).toBeHidden();
});

/** The main screens with a gated release. */
async function eachScreen(world: World, open: (person: 'admin' | 'reviewer') => Promise<Page>) {
  const gated = await world.gated();
  await gated.approve(world.people.reviewerTwo, 'Fine by me.');
  const { admin } = world.people;
  await admin.api.policies.createPolicy({
    project: world.project,
    name: 'soak-in-staging',
    policyType: PolicyType.SOAK_TIME,
    config: {
      case: 'soakTime',
      value: { sourceEnvironment: 'staging', targetEnvironment: 'production', durationSeconds: 3600n },
    },
  });
  return {
    screens: [
      { path: '/', landmark: 'Waiting for you', person: 'reviewer' },
      { path: world.page(), landmark: 'Releases', person: 'reviewer' },
      { path: world.page('policies'), landmark: 'New policy', person: 'admin' },
      { path: world.page('policies/soak-in-staging'), landmark: 'Policy', person: 'admin' },
      { path: gated.address, landmark: 'Policy Requirements', person: 'admin' },
    ] as const,
    pages: { admin: await open('admin'), reviewer: await open('reviewer') },
  };
}

test('nothing scrolls sideways at 320 pixels', async ({ world, browserOf }) => {
  const long = 'a-name-without-a-single-space-that-is-too-long-for-one-line-of-a-narrow-phone';
  await world.requireApprovals('production', 100, long);
  const artifact = await world.annotate({ title: long.repeat(2), branch: `feature/${long}`, version: long });
  await world.release(artifact, 'production');
  const { screens, pages } = await eachScreen(world, (person) =>
    browserOf(world.people[person], { viewport: { width: 320, height: 640 } }),
  );
  const named = {
    path: world.page(`releases/${artifact.slug}`),
    landmark: 'Policy Requirements',
    person: 'admin',
  };
  for (const { path, landmark, person } of [...screens, named] as (typeof screens)[number][]) {
    const page = pages[person];
    await page.goto(path);
    await expect(page.getByRole('region', { name: landmark, exact: true })).toBeVisible();
    expect(await overhang(page), path).toBeLessThanOrEqual(0);
  }
  await pages.admin.getByRole('button', { name: 'Bypass (Admin)' }).click();
  await expect(pages.admin.getByRole('alertdialog')).toBeVisible();
  expect(await overhang(pages.admin), 'the bypass dialog').toBeLessThanOrEqual(0);
});

test('shows markup in a title as text', async ({ page, world }) => {
  const { slug } = await world.annotate({ title: '<img src=x onerror="document.title=1"> & <b>bold</b>' });
  await signIn(page, world.url, world.people.reviewer);
  await page.goto(world.page(`releases/${slug}`));
  await expect(page.getByRole('heading', { level: 1 })).toHaveText(
    '<img src=x onerror="document.title=1"> & <b>bold</b>',
  );
});

test('the screens load without console errors', async ({ world, browserOf }) => {
  const { screens, pages } = await eachScreen(world, (person) => browserOf(world.people[person]));
  const problems: string[] = [];
  for (const page of Object.values(pages)) {
    page.on('console', (message) => {
      if (message.type() === 'error' || message.type() === 'warning') problems.push(message.text());
    });
    page.on('pageerror', (error) => problems.push(error.message));
  }
  for (const { path, landmark, person } of screens) {
    await pages[person].goto(path);
    await expect(pages[person].getByRole('region', { name: landmark, exact: true })).toBeVisible();
  }
  expect(problems).toEqual([]);
});
