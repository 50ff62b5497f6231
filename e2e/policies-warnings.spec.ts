import { expect, test } from './fixtures.ts';
import { expectNoFaults } from './page-faults.ts';

test('warns of a policy that cannot be satisfied: after saving, in the list and on a waiting release', async ({
  world,
  browserOf,
}) => {
  const { admin, reviewer } = world.people;
  const page = await browserOf(admin);
  await page.goto(world.page('policies'));
  await page.getByLabel('Name').fill('everybody');
  await page.getByLabel('Type').selectOption('Approval Required');
  await page.getByLabel('Target environment').selectOption('production');
  await page.getByLabel('Required approvals').fill('4');
  await page.getByRole('button', { name: 'Create Policy' }).click();
  const warning = 'everybody requires 4 approvals, but only 3 members other than the author';
  const warnings = page.getByRole('list', { name: 'Warnings about everybody' });
  await expect(warnings).toContainText(warning);
  const artifact = await world.annotate();
  await world.release(artifact, 'production');
  const waiting = await browserOf(reviewer);
  await waiting.goto(world.page(`releases/${artifact.slug}`));
  await expect(waiting.getByRole('list', { name: 'Warnings about production' })).toContainText(
    `${warning} can vote. Add members or require fewer approvals.`,
  );
  for (const each of [page, waiting]) await expectNoFaults(each);
  await page.getByRole('link', { name: 'Edit' }).click();
  await page.getByLabel('Required approvals').fill('3');
  await page.getByRole('button', { name: 'Save Changes' }).click();
  await expect(page.getByRole('list', { name: 'Policies for production' })).toContainText(
    'production · 3 approvals',
  );
  await expect(warnings).toHaveCount(0);
  await expect(waiting.getByText('Add members or require fewer approvals.')).toHaveCount(0);
});

test('warns of a pattern that matches no recent branch, and lists the branches', async ({
  world,
  browserOf,
}) => {
  await world.annotate({ branch: 'main' });
  await world.annotate({ branch: 'fix/rounding' });
  const page = await browserOf(world.people.admin);
  await page.goto(world.page('policies'));
  await page.getByLabel('Name').fill('typo');
  await page.getByLabel('Type').selectOption('Branch Restriction');
  await page.getByLabel('Target environment').selectOption('production');
  await page.getByLabel('Branch pattern').fill('^mian$');
  await page.getByRole('button', { name: 'Create Policy' }).click();
  const warnings = page.getByRole('list', { name: 'Warnings about typo' });
  await expect(warnings).toContainText('^mian$ matches none of them');
  await expect(warnings).toContainText('fix/rounding');
  await expect(warnings).toContainText('main');
  // A disabled policy blocks nothing.
  await page.getByRole('button', { name: 'Disable' }).click();
  await expect(warnings).toHaveCount(0);
});

test('warns of a soak in an environment without destinations', async ({ world, browserOf }) => {
  const { admin, reviewer } = world.people;
  const { organisation } = world;
  await admin.api.environments.createEnvironment({ organisation, name: 'nowhere', sortOrder: 9 });
  await world.soak('nowhere', 'production', 60n, 'soak-nowhere');
  const page = await browserOf(reviewer);
  await page.goto(world.page('policies'));
  await expect(page.getByRole('list', { name: 'Warnings about soak-nowhere' })).toContainText(
    'soak-nowhere requires a soak in nowhere, which has no destinations',
  );
});
