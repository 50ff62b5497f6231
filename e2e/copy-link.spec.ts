import { expect, test } from './fixtures.ts';

test('an author copies the address of a release for those who can approve it', async ({
  world,
  browserOf,
}) => {
  const { artifact, intentId, address } = await world.gated(1);
  const { author, reviewer, reviewerTwo, admin } = world.people;
  const page = await browserOf(author, { permissions: ['clipboard-read', 'clipboard-write'] });
  await page.goto(address);
  const requirements = page.getByRole('region', { name: 'Policy Requirements' });
  await expect(requirements).toContainText('You cannot approve your own release.');
  await expect(requirements).toContainText(/Ask: \S+, \S+ or \S+/);
  for (const { username } of [reviewer, reviewerTwo, admin])
    await expect(requirements).toContainText(username);
  const copied = () => page.evaluate<string>('navigator.clipboard.readText()');
  await page.getByRole('button', { name: 'Copy link' }).first().click();
  await expect(page.getByText('Copied', { exact: true })).toBeVisible();
  expect(await copied()).toBe(world.page(`releases/${artifact.slug}`));

  await requirements.getByRole('button', { name: 'Copy link' }).click();
  await expect.poll(copied).toBe(world.page(`releases/${artifact.slug}?release=${intentId}`));
  const other = await browserOf(reviewer);
  await other.goto(await copied());
  await expect(
    other
      .getByRole('region', { name: 'Policy Requirements' })
      .getByRole('button', { name: 'Approve', exact: true }),
  ).toBeVisible();
});
