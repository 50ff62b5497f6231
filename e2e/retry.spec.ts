import type { Page } from 'playwright/test';
import { expectFitForAll } from './fit-for-all.ts';
import { expect, test, type World } from './fixtures.ts';

const pipeline = (page: Page) => page.getByRole('region', { name: 'Pipeline' });
const requirements = (page: Page) => page.getByRole('region', { name: 'Policy Requirements' });
const retry = (page: Page) => pipeline(page).getByRole('button', { name: 'Retry' });

/** An environment whose only destination fails until it is repaired. */
async function brokenRig(world: World) {
  const { organisation } = world;
  const { admin } = world.people;
  await admin.api.environments.createEnvironment({ organisation, name: 'rig', sortOrder: 9 });
  await world.addDestination('rig', 'cracked-rig', { fail: 'true', fail_message: 'The rig is cracked.' });
  return () =>
    admin.api.destinations.updateDestination({
      organisation,
      name: 'cracked-rig',
      metadata: { fail: 'false' },
    });
}

test('retries a failed deployment, which needs votes again because its destination was changed', async ({
  world,
  browserOf,
}) => {
  const { author, reviewer } = world.people;
  const repair = await brokenRig(world);
  await world.requireApprovals('rig', 1);
  const artifact = await world.annotate();
  await world.release(artifact, 'rig');
  const address = world.page(`releases/${artifact.slug}`);
  const page = await browserOf(reviewer);
  await page.goto(address);
  await requirements(page).getByRole('button', { name: 'Approve', exact: true }).click();
  await expect(pipeline(page)).toContainText('Failed on rig');
  await expect(pipeline(page)).toContainText('The rig is cracked.');
  await expect(retry(page)).toHaveCount(0);

  const authorPage = await browserOf(author);
  await authorPage.goto(address);
  await expect(retry(authorPage)).toBeVisible();
  await expectFitForAll(authorPage);
  await repair();
  await retry(authorPage).click();
  await expect(requirements(authorPage)).toContainText('given before cracked-rig was changed');
  // The page of a release that has ended is not refreshed by itself.
  await page.reload();
  await requirements(page).getByRole('button', { name: 'Approve', exact: true }).click();
  await expect(pipeline(authorPage)).toContainText('Deployed to rig');
  await expect(requirements(authorPage)).toContainText('1/1 approvals');
  await expect(requirements(authorPage)).toContainText(/Opened \d\d:\d\d · 1\/1 passed/);
  await expect(retry(authorPage)).toHaveCount(0);
});

test('retries a failed plan', async ({ world, browserOf }) => {
  const repair = await brokenRig(world);
  await world.addPipeline('planned', [
    { id: 'plan', config: { case: 'plan', value: { environment: 'rig', autoApprove: false } } },
    { id: 'rig', dependsOn: ['plan'], config: { case: 'deploy', value: { environment: 'rig' } } },
  ]);
  const artifact = await world.annotate();
  await world.releaseBy('planned', artifact);
  const page = await browserOf(world.people.admin);
  await page.goto(world.page(`releases/${artifact.slug}`));
  await expect(pipeline(page)).toContainText('Plan failed rig');
  await repair();
  await retry(page).click();
  await expect(pipeline(page)).toContainText('Awaiting plan approval for rig');
  await expect(pipeline(page)).toContainText('Deploy to rig');
});

test('says why a retry was refused', async ({ world, browserOf }) => {
  await brokenRig(world);
  const artifact = await world.annotate();
  const intentId = await world.release(artifact, 'rig');
  const page = await browserOf(world.people.author);
  await page.goto(world.page(`releases/${artifact.slug}?release=${intentId}`));
  await expect(retry(page)).toBeVisible();
  await world.requireApprovals('rig', 1);
  const other = await world.release(artifact, 'rig');
  await retry(page).click();
  await expect(pipeline(page).first().getByRole('alert')).toHaveText(
    `Not retried: This artifact already has an active release to rig: ${other}`,
  );
});
