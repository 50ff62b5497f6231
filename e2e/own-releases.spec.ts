import type { Page } from 'playwright/test';
import { BuildState } from '#server/gen/forest/v1/releases_pb.ts';
import { expectFitForAll } from './fit-for-all.ts';
import { becomes, build, expect, test } from './fixtures.ts';
import { polledUntil } from './polling.ts';

const region = (page: Page) => page.getByRole('region', { name: 'Your releases' });
const list = (page: Page) => page.getByRole('list', { name: 'Your releases' });

test('shows an author what is under way, where it waits, and why somebody rejected it', async ({
  world,
  browserOf,
}) => {
  const { author, reviewer } = world.people;
  const { artifact, intentId } = await world.gated();
  const page = await browserOf(author);
  await page.clock.install();
  await page.goto('/');
  const row = list(page).getByRole('listitem');
  await expect(row).toHaveCount(1);
  await expect(row).toContainText(`shop ${artifact.ref?.version}`);
  await expect(row).toContainText('Awaiting approval 0/2');
  await expect(row).toContainText('production');
  await expect(region(page)).not.toContainText('Rejected');

  await reviewer.api.policies.rejectRelease({
    project: world.project,
    releaseIntentId: intentId,
    targetEnvironment: 'production',
    comment: 'Missing plural forms',
  });
  const words = `Rejected by ${reviewer.username} for production: “Missing plural forms”`;
  await polledUntil(page, (within) => expect(row).toContainText(words, within));
  await expectFitForAll(page);
  await page.setViewportSize({ width: 390, height: 844 });
  await expectFitForAll(page);
  await row.getByRole('link').click();
  await expect(page).toHaveURL(new RegExp(`${artifact.slug}\\?release=${intentId}`));
});

test('is empty for who has nothing under way, and does not list the releases of others', async ({
  world,
  browserOf,
}) => {
  await world.gated();
  const page = await browserOf(world.people.reviewer);
  await page.goto('/');
  await expect(region(page)).toContainText('Nothing under way');
  await expect(list(page)).toHaveCount(0);
});

test('says that it cannot be loaded, and loads it on Try again', async ({ world, browserOf }) => {
  await world.gated();
  const page = await browserOf(world.people.author);
  await page.addInitScript(`{
    const send = window.fetch;
    window.fetch = async (input, init) =>
      String(input?.url ?? input).includes('ListMyReleases') ? new Response('no', { status: 500 }) : send(input, init);
    addEventListener('click', () => { window.fetch = send; }, true);
  }`);
  await page.goto('/');
  await expect(region(page).getByRole('alert')).toContainText("Couldn't load your releases");
  await expectFitForAll(page);
  await region(page).getByRole('button', { name: 'Try again' }).click();
  await expect(list(page).getByRole('listitem')).toHaveCount(1);
});

test('the organisations say what is in them, what waits and what failed', async ({ world, browserOf }) => {
  const { people, organisation } = world;
  await world.gated();
  const broken = await build(world, '2.0.0');
  await people.admin.api.destinations.updateDestination({
    organisation,
    name: 'staging-eu',
    metadata: { fail: 'true' },
  });
  await world.release(broken, 'staging');
  await becomes(world, broken.artifactId, 'staging-eu', BuildState.FAILED);
  const page = await browserOf(people.reviewer);
  await page.goto('/');
  const row = page.getByRole('list', { name: 'Your organisations' }).getByRole('listitem');
  for (const size of [
    { width: 1280, height: 800 },
    { width: 390, height: 844 },
  ]) {
    await page.setViewportSize(size);
    await expect(row).toHaveText(`${organisation}member · 1 project1 waiting1 failed`);
    await expectFitForAll(page);
  }
  await row.getByRole('link').click();
  await expect(page.getByRole('heading', { level: 1, name: organisation })).toBeVisible();
});

test('lists the organisations while the server cannot count what is in them', async ({
  world,
  browserOf,
}) => {
  await world.gated();
  const page = await browserOf(world.people.reviewer);
  await page.route(/ListMyOrganisations/, (route) => route.fulfill({ status: 500, body: 'no' }));
  await page.goto('/');
  const row = page.getByRole('list', { name: 'Your organisations' }).getByRole('listitem');
  await expect(row).toHaveText(`${world.organisation}member1 waiting`);
});
