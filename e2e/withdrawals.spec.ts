import type { Page } from 'playwright/test';
import { BuildState } from '#server/gen/forest/v1/releases_pb.ts';
import { expectFitForAll } from './fit-for-all.ts';
import { becomes, expect, test } from './fixtures.ts';

const pipeline = (page: Page) => page.getByRole('region', { name: 'Pipeline' });
const requirements = (page: Page) => page.getByRole('region', { name: 'Policy Requirements' });
const button = (page: Page, name: string) => requirements(page).getByRole('button', { name, exact: true });

test('takes an approval back, and lists the release as waiting again', async ({ world, browserOf }) => {
  const { reviewer, reviewerTwo } = world.people;
  const { address } = await world.gated();
  const page = await browserOf(reviewer);
  const list = page.getByRole('list', { name: 'Waiting for you' });
  await page.goto('/');
  await list.getByRole('link').first().click();
  await expect(button(page, 'Approve')).toBeVisible();
  await expect(button(page, 'Withdraw vote')).toHaveCount(0);
  await button(page, 'Approve').click();
  await expect(requirements(page)).toContainText('1/2 approvals');
  const other = await browserOf(reviewerTwo);
  await other.goto(address);
  await expect(requirements(other)).toContainText('1/2 approvals');
  await expect(button(other, 'Withdraw vote')).toHaveCount(0);
  await expectFitForAll(page);

  await button(page, 'Withdraw vote').click();
  await expect(requirements(page)).toContainText('0/2 approvals');
  await expect(requirements(page)).toContainText('No decisions yet.');
  await expect(button(page, 'Withdraw vote')).toHaveCount(0);
  await expect(button(page, 'Approve')).toBeVisible();
  await expect(requirements(page).getByRole('heading', { name: 'production' })).toBeFocused();
  await expect(requirements(other)).toContainText('0/2 approvals');
  await page.getByRole('link', { name: 'Forage' }).click();
  await expect(list.getByRole('listitem')).toHaveCount(1);
});

test('takes a rejection back', async ({ world, browserOf }) => {
  const { address } = await world.gated();
  const page = await browserOf(world.people.reviewer);
  await page.goto(address);
  await button(page, 'Reject').click();
  await expect(requirements(page)).toContainText('You rejected this release');
  await button(page, 'Withdraw vote').click();
  await expect(requirements(page)).toContainText('No decisions yet.');
  await expect(button(page, 'Reject')).toBeVisible();
});

test('closes the gate again when a bypass is withdrawn before anything is deployed', async ({
  world,
  browserOf,
}) => {
  await world.soak('staging', 'production', 3600n);
  const { address } = await world.gated(1);
  const page = await browserOf(world.people.admin);
  await page.goto(address);
  await button(page, 'Bypass (Admin)').click();
  const dialog = page.getByRole('alertdialog', { name: 'Bypass approval?' });
  await dialog.getByLabel('Reason').fill('The shop is down.');
  await dialog.getByRole('button', { name: 'Bypass approval' }).click();
  await expect(requirements(page).getByText('Bypassed', { exact: true })).toBeVisible();
  await expect(requirements(page)).toContainText('1/2 passed');
  await button(page, 'Withdraw vote').click();
  await expect(requirements(page).getByText('Bypassed', { exact: true })).toHaveCount(0);
  await expect(requirements(page)).toContainText('0/2 passed');
  await expect(button(page, 'Bypass (Admin)')).toBeVisible();
});

test('holds back a deployment that is still queued', async ({ world, browserOf }) => {
  const { admin, reviewer } = world.people;
  const { organisation } = world;
  await admin.api.environments.createEnvironment({ organisation, name: 'rig', sortOrder: 9 });
  await world.addDestination('rig', 'slow-rig', { seconds: '600' });
  const first = await world.annotate({ title: 'First on the rig' });
  await world.release(first, 'rig');
  await becomes(world, first.artifactId, 'slow-rig', BuildState.DEPLOYING);
  await world.requireApprovals('rig', 1);
  const artifact = await world.annotate({ title: 'Second on the rig' });
  await world.release(artifact, 'rig');
  const page = await browserOf(reviewer);
  await page.goto(world.page(`releases/${artifact.slug}`));
  await button(page, 'Approve').click();
  await expect(pipeline(page)).toContainText('Queued for rig');
  await button(page, 'Withdraw vote').click();
  await expect(pipeline(page)).toContainText('Awaiting approval for rig');
  await expect(requirements(page)).toContainText('0/1 approvals');
});

test('refuses a withdrawal after the deployment has started, with the reason', async ({
  world,
  browserOf,
}) => {
  const gated = await world.gated();
  const page = await browserOf(world.people.reviewer);
  await page.goto(gated.address);
  await button(page, 'Approve').click();
  await expect(button(page, 'Withdraw vote')).toBeVisible();
  // The page does not notice the second approval.
  await page.route(/GetReleaseRequirements/, () => {});
  await gated.approve(world.people.reviewerTwo);
  await expect
    .poll(async () => {
      const { environments } = await world.people.author.api.policies.getReleaseRequirements({
        project: world.project,
        releaseIntentId: gated.intentId,
      });
      return environments[0]?.canWithdraw?.reason;
    })
    .toContain('has succeeded');
  await button(page, 'Withdraw vote').click();
  await expect(requirements(page).getByRole('alert')).toContainText(
    /Your withdrawal was not recorded: .*has succeeded/,
  );
});
