import type { Page } from 'playwright/test';
import { expect, openDeploy, type Stage, test } from './fixtures.ts';

const pipeline = (page: Page) => page.getByRole('region', { name: 'Pipeline' });

const deployTo = (environment: string, ...dependsOn: string[]): Stage => ({
  id: environment,
  dependsOn,
  config: { case: 'deploy', value: { environment } },
});
/** Listed in another order than they run in. */
const stagesWithWait = (durationSeconds: bigint): readonly Stage[] => [
  deployTo('production', 'breathe'),
  { id: 'breathe', dependsOn: ['staging'], config: { case: 'wait', value: { durationSeconds } } },
  deployTo('staging'),
];
const planned: readonly Stage[] = [
  { id: 'plan', config: { case: 'plan', value: { environment: 'production', autoApprove: false } } },
  deployTo('production', 'plan'),
];

test('runs the stages in order with Use pipeline', async ({ world, browserOf }) => {
  await world.addPipeline('main-line', stagesWithWait(1n));
  const { slug } = await world.annotate();
  const page = await browserOf(world.people.author);
  await page.goto(world.page(`releases/${slug}`));
  const deploy = await openDeploy(page);
  await expect(deploy.getByLabel('Use pipeline')).toBeChecked();
  await deploy.getByRole('button', { name: 'Deploy' }).click();
  const stages = pipeline(page).getByRole('list', { name: 'Stages' }).getByRole('listitem');
  await expect(stages).toHaveText([/Deployed to staging/, /Waited/, /Deployed to production/]);
  await expect(pipeline(page)).toContainText('3/3 stages complete');
});

test('counts down a wait stage', async ({ world, browserOf }) => {
  await world.addPipeline('slow-line', stagesWithWait(59n));
  const artifact = await world.annotate();
  await world.releaseBy('slow-line', artifact);
  const page = await browserOf(world.people.reviewer);
  await page.goto(world.page(`releases/${artifact.slug}`));
  const stages = pipeline(page).getByRole('list', { name: 'Stages' }).getByRole('listitem');
  await expect(stages).toHaveText([/Deployed to staging/, /Waiting.*\ds left/, /Deploy to production/]);
  await expect(pipeline(page)).toContainText('1/3 stages complete');
  const left = await stages.nth(1).getByText('left').textContent();
  await expect(stages.nth(1).getByText('left')).not.toHaveText(left ?? '');
});

test('deploys after another person has read and approved the plan', async ({ world, browserOf }) => {
  const { author, reviewer } = world.people;
  await world.addPipeline('planned', planned);
  const artifact = await world.annotate();
  await world.releaseBy('planned', artifact);
  const address = world.page(`releases/${artifact.slug}`);

  const authorPage = await browserOf(author);
  await authorPage.goto(address);
  await expect(pipeline(authorPage)).toContainText('Awaiting plan approval');
  await expect(authorPage.getByRole('button', { name: 'View plan' })).toBeVisible();
  await expect(authorPage.getByRole('button', { name: 'Approve plan' })).toHaveCount(0);
  await expect(pipeline(authorPage)).toContainText(/own (release|plan)/);

  const page = await browserOf(reviewer);
  await page.goto(address);
  await page.getByRole('button', { name: 'View plan' }).click();
  const dialog = page.getByRole('dialog', { name: 'Plan for production' });
  await expect(dialog.getByRole('heading', { name: 'eu-west' })).toBeVisible();
  await expect(dialog.getByRole('region', { name: 'Plan for us-east' })).toContainText(artifact.slug);
  await page.keyboard.press('Escape');
  await expect(dialog).toBeHidden();
  await expect(page.getByRole('button', { name: 'View plan' })).toBeFocused();
  await page.getByRole('button', { name: 'Approve plan' }).click();
  await expect(pipeline(page)).toContainText('Plan approved');
  await expect(pipeline(page)).toContainText('Deployed to production');
  await expect(pipeline(authorPage)).toContainText('2/2 stages complete');
});

test('plans again what something else was deployed to since, and then deploys', async ({
  world,
  browserOf,
}) => {
  await world.addPipeline('planned', planned);
  const artifact = await world.annotate();
  await world.releaseBy('planned', artifact);
  const page = await browserOf(world.people.reviewer);
  await page.goto(world.page(`releases/${artifact.slug}`));
  await expect(pipeline(page)).toContainText('Awaiting plan approval for production');
  await expect(page.getByRole('button', { name: 'Plan again' })).toHaveCount(0);
  // Another build of the same commit, which is not newer.
  const other = await world.annotate({ title: 'Deployed meanwhile' });
  await world.release(other, 'production');
  await expect(pipeline(page)).toContainText('Plan out of date for production');
  await page.getByRole('button', { name: 'Plan again' }).click();
  await expect(pipeline(page)).toContainText('Awaiting plan approval for production');
  await expect(page.getByRole('button', { name: 'Plan again' })).toHaveCount(0);
  await page.getByRole('button', { name: 'Approve plan' }).click();
  await expect(pipeline(page)).toContainText('2/2 stages complete');
});

test('fails a rejected plan and cancels the stages that depend on it', async ({ world, browserOf }) => {
  await world.addPipeline('planned', planned);
  const artifact = await world.annotate();
  await world.releaseBy('planned', artifact);
  const page = await browserOf(world.people.reviewer);
  await page.goto(world.page(`releases/${artifact.slug}`));
  await page.getByRole('button', { name: 'Reject plan' }).click();
  const dialog = page.getByRole('alertdialog', { name: 'Reject plan?' });
  await dialog.getByRole('button', { name: 'Cancel' }).click();
  await expect(pipeline(page)).toContainText('Awaiting plan approval');
  await page.getByRole('button', { name: 'Reject plan' }).click();
  await dialog.getByLabel('Reason').fill('It would delete a database.');
  await dialog.getByRole('button', { name: 'Reject plan' }).click();
  await expect(pipeline(page)).toContainText('Plan failed');
  await expect(pipeline(page)).toContainText('It would delete a database.');
  await expect(pipeline(page)).toContainText('Cancelled production');
  await expect(pipeline(page)).toContainText('upstream stage failed');
});

test('deploys nothing when only the plan stages run', async ({ world, browserOf }) => {
  await world.addPipeline('planned', planned);
  const { slug } = await world.annotate();
  const page = await browserOf(world.people.author);
  await page.goto(world.page(`releases/${slug}`));
  const deploy = await openDeploy(page);
  await deploy.getByText('Options').click();
  await deploy.getByLabel('Run only the plan stages').check();
  await deploy.getByRole('button', { name: 'Deploy' }).click();
  await expect(pipeline(page)).toContainText('plans only');
  await expect(page.getByRole('button', { name: 'View plan' })).toBeVisible();
  const destinations = page.getByRole('region', { name: 'Destinations' });
  await expect(destinations.getByRole('row').filter({ hasText: 'eu-west' })).toContainText('Not deployed');
});

test('cancels stages after a failed one, and opens a gate in a pipeline by votes', async ({
  world,
  browserOf,
}) => {
  const { admin, reviewer } = world.people;
  await world.requireApprovals('production', 1);
  await world.addPipeline('main-line', [deployTo('staging'), deployTo('production', 'staging')]);
  const artifact = await world.annotate();
  await world.releaseBy('main-line', artifact);
  const page = await browserOf(reviewer);
  await page.goto(world.page(`releases/${artifact.slug}`));
  await expect(pipeline(page)).toContainText('Awaiting approval for production');
  await page.getByRole('button', { name: 'Approve' }).click();
  await expect(pipeline(page)).toContainText('2/2 stages complete');

  await admin.api.destinations.updateDestination({
    organisation: world.organisation,
    name: 'staging-eu',
    metadata: { fail: 'true', fail_message: 'No space left.' },
  });
  const doomed = await world.annotate({ title: 'Meets a full disk' });
  await world.releaseBy('main-line', doomed);
  await page.goto(world.page(`releases/${doomed.slug}`));
  await expect(pipeline(page)).toContainText('Failed on staging');
  await expect(pipeline(page)).toContainText('No space left.');
  await expect(pipeline(page)).toContainText('Cancelled production');
  await expect(pipeline(page)).toContainText('upstream stage failed');
});

test('lists the pipelines', async ({ world, browserOf }) => {
  await world.addPipeline('main-line', [deployTo('staging'), deployTo('production', 'staging')]);
  const page = await browserOf(world.people.reviewer);
  await page.goto(world.page('pipelines'));
  await expect(page.getByRole('heading', { level: 1, name: 'Pipelines' })).toBeVisible();
  await expect(page.getByRole('main')).toContainText('main-line');
});
