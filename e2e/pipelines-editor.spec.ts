import type { Page } from 'playwright/test';
import { expect, openDeploy, type Stage, test } from './fixtures.ts';
import { expectNoFaults, overhang } from './page-faults.ts';

const deployTo = (environment: string, ...dependsOn: string[]): Stage => ({
  id: environment,
  dependsOn,
  config: { case: 'deploy', value: { environment } },
});
const line = [deployTo('staging'), deployTo('production', 'staging')];

const editor = (page: Page, name = 'Create pipeline') => page.getByRole('form', { name });
const stage = (page: Page, place: number) => page.getByRole('group', { name: `Stage ${place}` });
const stageRow = (page: Page, place: number) =>
  page
    .getByRole('list', { name: 'Stages', exact: true })
    .getByRole('button', { name: new RegExp(`^${place} · `) });
/** Opens a stage and its advanced fields. */
async function openId(page: Page, place: number) {
  await stageRow(page, place).click();
  await stage(page, place).getByRole('button', { name: 'Advanced' }).click();
  return stage(page, place).getByLabel('ID', { exact: true });
}
const stagesOf = (page: Page, name: string) => page.getByRole('list', { name: `Stages of ${name}` }).first();

test('an admin creates a pipeline, and a release can use it', async ({ world, browserOf }) => {
  const page = await browserOf(world.people.admin);
  await page.goto(world.page('pipelines'));
  await expect(page.getByText('No pipelines yet')).toBeVisible();
  const form = editor(page);
  await form.getByLabel('Name').fill('main-line');
  await form.getByRole('button', { name: 'Add deploy stage' }).click();
  await stage(page, 1).getByLabel('Environment').selectOption('staging');
  await expect(stageRow(page, 1)).toHaveText('1 · Deploy to staging');
  await form.getByRole('button', { name: 'Add wait stage' }).click();
  await stage(page, 2).getByLabel('Duration').fill('1h 30m');
  await expect(stage(page, 2).getByText('1 hour 30 minutes', { exact: true })).toBeVisible();
  // One stage is open at a time.
  await expect(stage(page, 1)).toHaveCount(0);
  await form.getByRole('button', { name: 'Add plan stage' }).click();
  await stage(page, 3).getByLabel('Environment').selectOption('production');
  await form.getByRole('button', { name: 'Add deploy stage' }).click();
  await stage(page, 4).getByLabel('Environment').selectOption('production');
  await form.getByRole('button', { name: 'Create pipeline' }).click();

  await expect(stagesOf(page, 'main-line').getByRole('listitem')).toHaveText([
    'staging: deploy to staging',
    'wait: wait 1h 30m, after staging',
    'plan-production: plan production, after wait',
    'production: deploy to production, after plan-production',
  ]);
  await expect(form.getByLabel('Name')).toHaveValue('');
  const { slug } = await world.annotate();
  await page.goto(world.page(`releases/${slug}`));
  const deploy = await openDeploy(page);
  await expect(deploy.getByText('main-line')).toBeVisible();
});

test('offers no dependency that makes a cycle, and reports an id that is used twice', async ({
  world,
  browserOf,
}) => {
  await world.addPipeline('main-line', line);
  const page = await browserOf(world.people.admin);
  await page.goto(world.page('pipelines'));
  await page.getByRole('link', { name: 'Edit' }).click();
  await expect(page.getByRole('heading', { level: 1, name: 'main-line' })).toBeVisible();
  expect(page.url()).toBe(world.page('pipelines/main-line'));
  const form = editor(page, 'Edit pipeline');
  await stageRow(page, 1).click();
  await expect(stage(page, 1).getByRole('checkbox')).toHaveCount(0);
  const id = await openId(page, 2);
  await expect(stage(page, 2).getByRole('checkbox', { name: 'staging' })).toBeChecked();
  await id.fill('staging');
  await expect(stage(page, 2).getByText('The id "staging" is used by more than one stage')).toBeVisible();
  await stageRow(page, 2).click();
  await expect(stageRow(page, 2)).toContainText('The id "staging" is used by more than one stage');
  await form.getByRole('button', { name: 'Save Changes' }).click();
  // The first of the two.
  await expect(stage(page, 1).getByLabel('ID', { exact: true })).toBeFocused();
  await stageRow(page, 2).click();
  await id.fill('live');
  await form.getByRole('button', { name: 'Save Changes' }).click();
  await expect(stagesOf(page, 'main-line').getByRole('listitem')).toHaveText([
    'staging: deploy to staging',
    'live: deploy to production, after staging',
  ]);
});

test('shows a refusal at its stage and keeps the input', async ({ world, browserOf }) => {
  await world.addPipeline('main-line', line);
  const page = await browserOf(world.people.admin);
  await page.goto(world.page('pipelines/main-line'));
  const id = await openId(page, 2);
  await id.fill('not an id');
  await page.getByRole('button', { name: 'Save Changes' }).click();
  await expect(stage(page, 2).getByText(/must be 1 to 100 characters/i)).toBeVisible();
  await expect(id).toBeFocused();
  await expect(id).toHaveValue('not an id');

  // Deleted by another user while the editor is open.
  await world.people.admin.api.pipelines.deleteReleasePipeline({ project: world.project, name: 'main-line' });
  await id.fill('live');
  await page.getByRole('button', { name: 'Save Changes' }).click();
  await expect(page.getByRole('alert').filter({ hasText: 'pipeline "main-line"' })).toBeVisible();
  await expect(id).toHaveValue('live');
});

test('removing a stage keeps the order of the others and the focus', async ({ world, browserOf }) => {
  await world.addPipeline('main-line', [
    deployTo('staging'),
    { id: 'breathe', dependsOn: ['staging'], config: { case: 'wait', value: { durationSeconds: 60n } } },
    deployTo('production', 'breathe'),
  ]);
  const page = await browserOf(world.people.admin);
  await page.goto(world.page('pipelines/main-line'));
  await page.getByRole('button', { name: 'Remove stage breathe' }).press('Enter');
  await expect(stageRow(page, 2)).toHaveText('2 · Deploy to production · after staging');
  await expect(page.getByRole('form').locator(':focus')).toBeVisible();
});

test('an admin disables, enables and deletes a pipeline', async ({ world, browserOf }) => {
  await world.addPipeline('main-line', line);
  const page = await browserOf(world.people.admin);
  await page.goto(world.page('pipelines'));
  await page.getByRole('button', { name: 'Disable' }).click();
  await expect(page.getByRole('button', { name: 'Enable' })).toBeVisible();
  await page.getByRole('button', { name: 'Enable' }).click();
  await expect(page.getByRole('button', { name: 'Disable' })).toBeVisible();
  await page.getByRole('button', { name: 'Delete' }).click();
  const question = page.getByRole('alertdialog', { name: 'Delete pipeline "main-line"?' });
  await expect(question.getByRole('button', { name: 'Cancel' })).toBeFocused();
  await page.keyboard.press('Escape');
  await expect(question).toBeHidden();
  await expect(page.getByRole('button', { name: 'Delete' })).toBeFocused();
  await page.getByRole('button', { name: 'Delete' }).click();
  await question.getByRole('button', { name: 'Delete' }).click();
  await expect(page.getByText('No pipelines yet')).toBeVisible();
});

test('the page of a pipeline disables, enables and deletes it, and keeps what was typed', async ({
  world,
  browserOf,
}) => {
  const { admin } = world.people;
  await world.addPipeline('main-line', line);
  const page = await browserOf(admin);
  await page.goto(world.page('pipelines/main-line'));
  const pipeline = page.getByRole('region', { name: 'Pipeline', exact: true });
  await expect(pipeline).toContainText('Enabled');
  await page.getByRole('button', { name: 'Save Changes' }).click();
  await expect(page.getByText('No changes')).toBeVisible();
  const id = await openId(page, 2);
  await id.fill('live');
  await pipeline.getByRole('button', { name: 'Disable' }).click();
  await expect(pipeline.getByRole('button', { name: 'Enable' })).toBeVisible();
  await expect(pipeline).toContainText('Disabled');
  await expect(id).toHaveValue('live');
  // The state that it was disabled in is the one that is saved.
  await page.getByRole('button', { name: 'Save Changes' }).click();
  await expect(stagesOf(page, 'main-line')).toContainText('live: deploy to production');
  const { pipelines } = await admin.api.pipelines.listReleasePipelines({ project: world.project });
  expect(pipelines.map(({ enabled }) => enabled)).toEqual([false]);

  await page.goto(world.page('pipelines/main-line'));
  await page.route(/UpdateReleasePipeline/, (route) => route.abort('connectionrefused'));
  await pipeline.getByRole('button', { name: 'Enable' }).click();
  await expect(pipeline.getByRole('alert')).toContainText("Couldn't change “main-line”.");
  await page.unroute(/UpdateReleasePipeline/);
  await pipeline.getByRole('button', { name: 'Enable' }).click();
  await expect(pipeline.getByRole('button', { name: 'Disable' })).toBeVisible();
  await expect(pipeline.getByRole('alert')).toHaveCount(0);
  await pipeline.getByRole('button', { name: 'Delete…' }).click();
  const question = page.getByRole('alertdialog', { name: 'Delete pipeline "main-line"?' });
  await question.getByRole('button', { name: 'Cancel' }).click();
  await expect(pipeline.getByRole('button', { name: 'Delete…' })).toBeFocused();
  await pipeline.getByRole('button', { name: 'Delete…' }).click();
  await question.getByRole('button', { name: 'Delete', exact: true }).click();
  await expect(page).toHaveURL(world.page('pipelines'));
  await expect(page.getByText('No pipelines yet')).toBeVisible();
});

test('shows members pipelines without controls', async ({ world, browserOf }) => {
  await world.addPipeline('main-line', line);
  const page = await browserOf(world.people.reviewer);
  await page.goto(world.page('pipelines'));
  await expect(stagesOf(page, 'main-line').getByRole('listitem')).toHaveCount(2);
  await expect(page.getByRole('button', { name: /Disable|Delete|Add/ })).toHaveCount(0);
  await page.getByRole('link', { name: 'main-line' }).click();
  await expect(page.getByRole('region', { name: 'Pipeline' })).toBeVisible();
  await expect(page.getByRole('form')).toHaveCount(0);
});

test('retries loading pipelines', async ({ world, browserOf }) => {
  const page = await browserOf(world.people.admin);
  await page.route(/ListReleasePipelines/, (route) => route.abort('connectionrefused'));
  await page.goto(world.page('pipelines'));
  await expect(page.getByRole('heading', { name: "Can't reach the server" })).toBeVisible({
    timeout: 40_000,
  });
  await page.unroute(/ListReleasePipelines/);
  await page.getByRole('button', { name: 'Try again' }).click();
  await expect(page.getByText('No pipelines yet')).toBeVisible();
});

test('the pipeline pages are accessible and fit 320 pixels', async ({ world, browserOf }) => {
  const long = `a-name-${'that-is-long-'.repeat(6)}`;
  await world.addPipeline(long, [{ ...deployTo('staging'), id: long }, deployTo('production', long)]);
  for (const colorScheme of ['light', 'dark'] as const) {
    const page = await browserOf(world.people.admin, { colorScheme, reducedMotion: 'reduce' });
    for (const path of ['pipelines', `pipelines/${long}`]) {
      await page.goto(world.page(path));
      await expect(page.getByRole('form')).toBeVisible();
      await page.getByRole('button', { name: 'Add plan stage' }).click();
      await page.getByRole('button', { name: /Save Changes|Create pipeline/ }).click();
      await expect(page.getByText('Choose the environment of the stage')).toBeVisible();
      await expectNoFaults(page, colorScheme);
      await page.setViewportSize({ width: 320, height: 640 });
      expect(await overhang(page), path).toBeLessThanOrEqual(0);
      await page.setViewportSize({ width: 1280, height: 900 });
    }
  }
});
