import { AxeBuilder } from '@axe-core/playwright';
import type { Page } from 'playwright/test';
import { PolicyType } from '#server/gen/forest/v1/policies_pb.ts';
import { expect, signIn, test, type World } from './fixtures.ts';

test('an unknown address says so and leads on', async ({ world, browserOf }) => {
  const page = await browserOf(world.people.reviewer);
  await page.goto('/nowhere/at/all');
  await expect(page.getByRole('heading', { name: 'Page not found' })).toBeVisible();
  await expect(page.getByText('/nowhere/at/all')).toBeVisible();
  await page.getByRole('link', { name: 'Go to the start page' }).click();
  await expect(page.getByRole('region', { name: 'Waiting for you' })).toBeVisible();
});

test('what does not exist and what belongs to others looks the same', async ({
  world,
  newcomer,
  browserOf,
}) => {
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
    await expect(page.getByRole('link', { name: 'Go to the start page' })).toBeVisible();
    await expect(page.getByText(artifact.context?.title ?? '')).toHaveCount(0);
  }
  // A member who mistypes is told the same.
  const member = await browserOf(world.people.reviewer);
  await member.goto(world.page('releases/no-such-build'));
  await expect(member.getByRole('heading', { name: 'Page not found' })).toBeVisible();
});

test('a server that is away has its own page, and the page comes back with it', async ({
  page,
  ownServer,
}) => {
  const server = await ownServer();
  await page.goto(server.setUpAddress);
  await page.getByLabel('Organisation').fill('acme');
  await page.getByLabel('Username').fill('founder');
  await page.getByLabel('Email').fill('founder@example.com');
  await page.getByLabel('Password').fill('correct horse battery staple');
  await page.getByRole('button', { name: 'Set up Forage' }).click();
  const organisation = page.getByRole('link', { name: 'acme' });
  await expect(organisation).toBeVisible();
  await server.stop();
  await organisation.click();
  await expect(page.getByRole('heading', { name: 'The server does not answer' })).toBeVisible();
  await server.startAgain();
  await page.getByRole('button', { name: 'Try again' }).click();
  await expect(page.getByRole('heading', { level: 1, name: 'acme' })).toBeVisible();
});

test('polls that fail are told as out of date; the page keeps what it has and recovers', async ({
  world,
  browserOf,
}) => {
  const { reviewer, reviewerTwo } = world.people;
  const gated = await world.gated();
  const page = await browserOf(reviewerTwo);
  await page.goto(gated.address);
  await expect(page.getByText('0/2 approvals')).toBeVisible();
  await page.route(/\/forest\.v1\./, (route) => route.abort('connectionrefused'));
  const bar = page.getByRole('status').filter({ hasText: 'Out of date since' });
  await expect(bar).toBeVisible();
  await expect(page.getByText('0/2 approvals')).toBeVisible();
  await expect(page.getByRole('button', { name: 'Approve' })).toBeVisible();
  await gated.approve(reviewer);
  await page.unroute(/\/forest\.v1\./);
  await expect(page.getByText('1/2 approvals')).toBeVisible();
  await expect(bar).toBeHidden();
});

/** One page in each state that this issue is about, open in a browser that looks like that. */
async function eachScreen(world: World, open: (person: 'admin' | 'reviewer') => Promise<Page>) {
  const gated = await world.gated();
  await gated.approve(world.people.reviewerTwo, 'Fine by me.');
  const { admin } = world.people;
  await admin.api.policies.createPolicy({
    project: world.project,
    name: 'stand-in-staging',
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
      { path: world.page('policies/stand-in-staging'), landmark: 'Policy', person: 'admin' },
      { path: gated.address, landmark: 'Policy Requirements', person: 'admin' },
    ] as const,
    pages: { admin: await open('admin'), reviewer: await open('reviewer') },
  };
}

for (const colorScheme of ['light', 'dark'] as const) {
  test(`the screens have no accessibility faults that can be found by a machine (${colorScheme})`, async ({
    world,
    browserOf,
    browser,
  }) => {
    const stranger = await browser.newContext({ colorScheme, reducedMotion: 'reduce' });
    const signInPage = await stranger.newPage();
    await signInPage.goto(`${world.url}/sign-in`);
    await expect(signInPage.getByRole('button', { name: 'Sign in' })).toBeVisible();
    expect(await faults(signInPage, colorScheme)).toEqual([]);
    await stranger.close();

    const { screens, pages } = await eachScreen(world, (person) =>
      browserOf(world.people[person], { colorScheme, reducedMotion: 'reduce' }),
    );
    for (const { path, landmark, person } of screens) {
      const page = pages[person];
      await page.goto(path);
      await expect(page.getByRole('region', { name: landmark, exact: true })).toBeVisible();
      expect(await faults(page, colorScheme), path).toEqual([]);
    }
  });
}

/** What axe finds, in short: the rule, and where. The dark page is the light one in other colours: only those are looked at. */
async function faults(page: Page, colorScheme: 'light' | 'dark'): Promise<string[]> {
  const axe = new AxeBuilder({ page });
  if (colorScheme === 'dark') axe.withRules(['color-contrast']);
  const { violations } = await axe.analyze();
  return violations.flatMap(({ id, nodes }) => nodes.map(({ target }) => `${id}: ${target.join(' ')}`));
}

test('at 320 pixels nothing scrolls sideways, not even with long names', async ({ world, browserOf }) => {
  const long = 'a-name-that-goes-on-and-on-without-a-single-space-in-it-for-more-than-a-screen';
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

/** By how many pixels the page is wider than its window. */
const overhang = (page: Page): Promise<number> =>
  page.evaluate('document.documentElement.scrollWidth - document.documentElement.clientWidth');

test('a title with markup in it is text', async ({ page, world }) => {
  const { slug } = await world.annotate({ title: '<img src=x onerror="document.title=1"> & <b>bold</b>' });
  await signIn(page, world.url, world.people.reviewer);
  await page.goto(world.page(`releases/${slug}`));
  await expect(page.getByRole('heading', { level: 1 })).toHaveText(
    '<img src=x onerror="document.title=1"> & <b>bold</b>',
  );
});

test('the screens load without an error in the console', async ({ world, browserOf }) => {
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
