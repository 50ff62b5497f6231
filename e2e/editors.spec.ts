import type { Page } from 'playwright/test';
import { expectFitForAll } from './fit-for-all.ts';
import { expect, test } from './fixtures.ts';

const save = (page: Page) => page.getByRole('button', { name: 'Save Changes' }).click();

test('refuses to save a policy over a newer change, shows that, and can replace it', async ({
  world,
  browserOf,
}) => {
  const { admin } = world.people;
  await world.requireApprovals('production', 1, 'four-eyes');
  const [first, second] = [await browserOf(admin), await browserOf(admin)];
  for (const page of [first, second]) await page.goto(world.page('policies/four-eyes'));
  const approvals = second.getByLabel('Required approvals');
  await approvals.fill('4');
  await first.getByLabel('Required approvals').fill('3');
  await save(first);
  await expect(first.getByText('production · 3 approvals')).toBeVisible();

  await save(second);
  const conflict = second.getByRole('alert').filter({ hasText: `${admin.username} changed this policy` });
  await expect(conflict).toContainText('required approvals 1 → 3');
  await expect(conflict).toBeFocused();
  await expect(approvals).toHaveValue('4');
  await expectFitForAll(second);
  await conflict.getByRole('button', { name: 'Keep mine' }).click();
  await expect(conflict).toHaveCount(0);
  await expect(approvals).toHaveValue('4');
  await save(second);
  await expect(second.getByText('production · 4 approvals')).toBeVisible();
});

test('takes the newer change of a pipeline', async ({ world, browserOf }) => {
  const { admin } = world.people;
  await world.addPipeline('main-line', [
    { id: 'staging', config: { case: 'deploy', value: { environment: 'staging' } } },
  ]);
  const [first, second] = [await browserOf(admin), await browserOf(admin)];
  for (const page of [first, second]) await page.goto(world.page('pipelines/main-line'));
  const id = (page: Page) => page.getByRole('group', { name: 'Stage 1' }).getByLabel('ID', { exact: true });
  for (const page of [first, second]) {
    await page.getByRole('button', { name: /^1 · / }).click();
    await page.getByRole('button', { name: 'Advanced' }).click();
  }
  const stages = (page: Page) => page.getByRole('list', { name: 'Stages of main-line' }).first();
  await id(second).fill('late');
  await id(first).fill('early');
  await save(first);
  await expect(stages(first)).toContainText('early: deploy to staging');

  await save(second);
  const conflict = second.getByRole('alert').filter({ hasText: 'changed this pipeline' });
  await expect(conflict).toContainText('its stages are early');
  await expect(id(second)).toHaveValue('late');
  await conflict.getByRole('button', { name: 'Use theirs' }).click();
  await expect(id(second)).toHaveValue('early');
  await second.getByRole('button', { name: 'Cancel' }).click();
  await expect(stages(second)).toContainText('early: deploy to staging');
});

test('forms mark required fields and say what the mark means', async ({ world, browserOf }) => {
  const page = await browserOf(world.people.admin);
  const legend = page.getByText('* required', { exact: true });
  const stars = page.getByText('*', { exact: true });
  await page.goto(world.page('policies'));
  await expect(legend).toBeVisible();
  await expect(stars).toHaveCount(2);
  await expect(page.getByRole('textbox', { name: 'Name', exact: true })).toHaveAttribute(
    'aria-required',
    'true',
  );
  await page.getByLabel('Type').selectOption('Approval Required');
  await expect(stars).toHaveCount(4);
  await page.goto(world.page('pipelines'));
  await expect(legend).toBeVisible();
  await expect(stars).toHaveCount(1);
  await page.goto(`/orgs/${world.organisation}`);
  await page.getByRole('button', { name: 'Create project' }).click();
  await expect(page.getByRole('dialog').getByText('* required', { exact: true })).toBeVisible();
});

test('a form without required fields says nothing of them', async ({ world, browserOf }) => {
  const gated = await world.gated();
  const page = await browserOf(world.people.reviewer);
  await page.goto(gated.address);
  await expect(page.getByLabel('Comment')).toBeVisible();
  await expect(page.getByText('* required', { exact: true })).toBeHidden();
});
