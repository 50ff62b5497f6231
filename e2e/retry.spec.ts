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

test('a failed release is deployed again to the same target, and its log opens with a key', async ({
  world,
  browserOf,
}) => {
  const repair = await brokenRig(world);
  const artifact = await world.annotate();
  await world.release(artifact, 'rig');
  const page = await browserOf(world.people.author, { viewport: { width: 390, height: 844 } });
  await page.goto(world.page(`releases/${artifact.slug}`));
  const again = page.getByRole('button', { name: 'Deploy again…' });
  await expect(again).toBeVisible();
  await expectFitForAll(page);
  await page.keyboard.press('l');
  const logs = page.getByRole('dialog', { name: 'Logs of rig' });
  await expect(logs).toBeVisible();
  await page.keyboard.press('Escape');
  await expect(logs).toBeHidden();
  await page.getByRole('button', { name: 'Logs of what failed' }).click();
  await expect(logs).toBeVisible();
  await page.keyboard.press('Escape');

  await repair();
  await again.click();
  const dialog = page.getByRole('dialog', { name: 'Deploy this release' });
  await expect(dialog.getByLabel('Target environment')).toHaveValue('rig');
  await dialog.getByRole('button', { name: 'Deploy', exact: true }).click();
  await expect(pipeline(page)).toContainText('Deployed to rig');
  await expect(again).toHaveCount(0);
});

test('the keys of a release only move the focus', async ({ world, browserOf }) => {
  const { address, intentId } = await world.gated(1);
  const page = await browserOf(world.people.reviewer);
  await page.goto(address);
  const control = (name: string) => requirements(page).getByRole('button', { name, exact: true });
  await expect(control('Approve')).toBeVisible();
  // The code of the keys is loaded after the page.
  await expect(async () => {
    await page.keyboard.press('c');
    await expect(requirements(page).getByLabel('Comment')).toBeFocused({ timeout: 500 });
  }).toPass();
  await page.keyboard.type('large');
  await expect(requirements(page).getByLabel('Comment')).toHaveValue('large');
  const { api } = world.people.author;
  const votes = await api.policies.getApprovalState({
    project: world.project,
    releaseIntentId: intentId,
    targetEnvironment: 'production',
  });
  expect(votes.state?.decisions).toEqual([]);
  await control('Approve').focus();
  await page.keyboard.press('?');
  await expect(page.getByRole('dialog', { name: 'Keyboard shortcuts' })).toContainText('Open the logs');
  await page.keyboard.press('Escape');
  await page.keyboard.press('u');
  await expect(page).toHaveURL(world.page());
});
