import type { Page } from 'playwright/test';
import { expectFitForAll } from './fit-for-all.ts';
import { expect, test } from './fixtures.ts';
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

test('the organisations say how much waits in each', async ({ world, browserOf }) => {
  await world.gated();
  const page = await browserOf(world.people.reviewer);
  await page.goto('/');
  const organisations = page.getByRole('region', { name: 'Your organisations' });
  await expect(organisations.getByRole('listitem').filter({ hasText: world.organisation })).toContainText(
    '1 waiting',
  );
});
