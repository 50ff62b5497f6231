import type { Page } from 'playwright/test';
import { BuildState, ReleaseIntentStatus } from '#server/gen/forest/v1/releases_pb.ts';
import { expectFitForAll } from './fit-for-all.ts';
import { becomes, build, expect, test } from './fixtures.ts';
import { startReceiver } from './receiver.ts';

const requirements = (page: Page) => page.getByRole('region', { name: 'Policy Requirements' });
const destination = (page: Page, name: string) =>
  page.getByRole('region', { name: 'Destinations' }).getByRole('row').filter({ hasText: name });

test('shows what is live, and what was', async ({ world, browserOf }) => {
  const [old, next] = [await build(world, '1.0.0'), await build(world, '2.0.0')];
  for (const one of [old, next]) {
    await world.release(one, 'staging');
    await becomes(world, one.artifactId, 'staging-eu', BuildState.LIVE);
  }
  const page = await browserOf(world.people.reviewer);
  await page.goto(world.page());
  const listed = (title: string) =>
    page.getByRole('list', { name: 'Releases' }).getByRole('listitem').filter({ hasText: title });
  await expect(listed('Version 2.0.0').first()).toContainText('Live');
  await expect(listed('Version 1.0.0').first()).toContainText('Was live');
  await page.getByRole('link', { name: 'Version 1.0.0' }).click();
  await expect(destination(page, 'staging-eu')).toContainText('Was live');
  await expect(destination(page, 'staging-eu')).toContainText('Runs 2.0.0');
  await expectFitForAll(page);
  await destination(page, 'staging-eu').getByRole('link').click();
  await expect(destination(page, 'staging-eu').getByText('Live', { exact: true })).toBeVisible();
});

test('says what a rollback replaces, and lets a member end the hold that it leaves', async ({
  world,
  browserOf,
}) => {
  const { author, reviewer, reviewerTwo } = world.people;
  const [old, live, next] = [
    await build(world, '1.0.0'),
    await build(world, '2.0.0'),
    await build(world, '3.0.0'),
  ];
  for (const one of [old, live]) {
    await world.release(one, 'staging');
    await becomes(world, one.artifactId, 'staging-eu', BuildState.LIVE);
  }
  await world.requireApprovals('staging', 1);
  const waiting = await world.release(next, 'staging');
  const back = await world.release(old, 'staging');
  const page = await browserOf(reviewer);
  await page.goto(world.page(`releases/${old.slug}`));
  await expect(requirements(page)).toContainText('Rollback: replaces 2.0.0, which is newer');
  await requirements(page).getByRole('button', { name: 'Approve', exact: true }).click();
  await becomes(world, old.artifactId, 'staging-eu', BuildState.LIVE);
  await expect
    .poll(async () => {
      const answer = await author.api.policies.getReleaseRequirements({
        project: world.project,
        releaseIntentId: back,
      });
      return answer.intentStatus;
    })
    .toBe(ReleaseIntentStatus.SUCCEEDED);

  const held = await browserOf(reviewerTwo);
  await held.goto(world.page(`releases/${next.slug}?release=${waiting}`));
  await expect(requirements(held)).toContainText('On hold');
  await held.getByRole('button', { name: 'End hold' }).click();
  const dialog = held.getByRole('alertdialog', { name: 'End the hold on staging?' });
  await dialog.getByRole('button', { name: 'End hold' }).click();
  await expect(dialog).toContainText('Enter a comment.');
  await dialog.getByLabel('Comment').fill('The cause is fixed in 3.0.0.');
  await dialog.getByRole('button', { name: 'End hold' }).click();
  await expect(requirements(held).getByText('On hold')).toHaveCount(0);
});

test('rolls back to the build that was live before', async ({ world, browserOf }) => {
  const [first, old, live] = [
    await build(world, '1.0.0'),
    await build(world, '1.1.0'),
    await build(world, '2.0.0'),
  ];
  const page = await browserOf(world.people.author);
  await world.release(first, 'staging');
  await becomes(world, first.artifactId, 'staging-eu', BuildState.LIVE);
  await page.goto(world.page(`releases/${first.slug}`));
  await destination(page, 'staging-eu').getByRole('button', { name: 'Roll back…' }).click();
  const dialog = page.getByRole('dialog', { name: 'Roll back staging' });
  await expect(dialog).toContainText('Nothing to roll back to');

  for (const one of [old, live]) {
    await world.release(one, 'staging');
    await becomes(world, one.artifactId, 'staging-eu', BuildState.LIVE);
  }
  await world.requireApprovals('staging', 2);
  await page.goto(world.page(`releases/${live.slug}`));
  await destination(page, 'staging-eu').getByRole('button', { name: 'Roll back…' }).click();
  await expect(dialog).toContainText('To 1.1.0.');
  await expect(dialog).toContainText('Rollback: replaces 2.0.0, which is newer');
  await expect(dialog).toContainText('staging requires approvals');
  await expectFitForAll(page);
  await dialog.getByRole('button', { name: 'Roll back', exact: true }).click();
  await expect(dialog).toBeHidden();
  await page.goto(world.page(`releases/${old.slug}`));
  await expect(requirements(page)).toContainText('0/2 approvals');
});

test('lets an admin settle an uncertain destination', async ({ world, browserOf }) => {
  const { admin } = world.people;
  const { organisation } = world;
  await admin.api.environments.createEnvironment({ organisation, name: 'rig', sortOrder: 9 });
  await world.addDestination('rig', 'slow-rig', { seconds: '600' });
  const artifact = await build(world, '1.0.0');
  await world.release(artifact, 'rig');
  await becomes(world, artifact.artifactId, 'slow-rig', BuildState.DEPLOYING);
  const page = await browserOf(admin);
  await page.goto(world.page(`releases/${artifact.slug}`));
  await page.getByRole('button', { name: 'Cancel release' }).click();
  await page.getByRole('alertdialog').getByRole('button', { name: 'Cancel release' }).click();
  await expect(destination(page, 'slow-rig')).toContainText('was cancelled at');
  await destination(page, 'slow-rig').getByRole('button', { name: 'Settle' }).click();
  const dialog = page.getByRole('alertdialog', { name: 'Settle slow-rig?' });
  await dialog.getByLabel('It runs').selectOption('Nothing of this project');
  await dialog.getByLabel('Reason').fill('Looked at the rig: it is empty.');
  await dialog.getByRole('button', { name: 'Settle' }).click();
  await expect(dialog).toBeHidden();
  await expect(destination(page, 'slow-rig')).not.toContainText('was cancelled at');
});

test('lets an admin free a destination that a cancelled deployment still occupies', async ({
  world,
  browserOf,
}) => {
  const { admin, reviewer } = world.people;
  const { organisation } = world;
  const receiver = await startReceiver();
  try {
    await admin.api.environments.createEnvironment({ organisation, name: 'rig', sortOrder: 9 });
    await admin.api.destinations.createDestination({
      organisation,
      environment: 'rig',
      name: 'silent-rig',
      type: { organisation: 'forage', name: 'webhook', version: 1n },
      metadata: {
        url: receiver.url,
        secret: `whsec_${Buffer.alloc(32, 'a secret of this test').toString('base64')}`,
        timeout_seconds: '600',
      },
    });
    const [cancelled, next] = [await build(world, '1.0.0'), await build(world, '2.0.0')];
    const releaseIntentId = await world.release(cancelled, 'rig');
    await becomes(world, cancelled.artifactId, 'silent-rig', BuildState.DEPLOYING);
    await world.release(next, 'rig');
    await admin.api.releases.cancelRelease({ releaseIntentId });
    const reader = await browserOf(reviewer);
    await reader.goto(world.page(`releases/${cancelled.slug}`));
    await expect(destination(reader, 'silent-rig')).toContainText('Cancelling');
    await expect(destination(reader, 'silent-rig').getByRole('button')).toHaveCount(0);

    const page = await browserOf(admin);
    await page.goto(world.page(`releases/${cancelled.slug}`));
    await destination(page, 'silent-rig').getByRole('button', { name: 'Free' }).click();
    const dialog = page.getByRole('alertdialog', { name: 'Free silent-rig?' });
    await dialog.getByRole('button', { name: 'Free' }).click();
    await expect(dialog).toContainText('Enter a reason.');
    await dialog.getByLabel('Reason').fill('Its receiver is gone.');
    await dialog.getByRole('button', { name: 'Free' }).click();
    await expect(dialog).toBeHidden();
    await expect(destination(page, 'silent-rig')).not.toContainText('Cancelling');
    await becomes(world, next.artifactId, 'silent-rig', BuildState.DEPLOYING);
  } finally {
    await receiver.close();
  }
});

test('never shows a bypass as an approval', async ({ world, browserOf }) => {
  const { admin } = world.people;
  await world.requireApprovals('staging', 2);
  const artifact = await build(world, '1.0.0');
  const releaseIntentId = await world.release(artifact, 'staging');
  await admin.api.policies.approveRelease({
    project: world.project,
    releaseIntentId,
    targetEnvironment: 'staging',
    forceBypass: true,
    comment: 'The shop is down.',
  });
  const page = await browserOf(admin);
  await page.goto(world.page(`releases/${artifact.slug}`));
  await expect(requirements(page)).toContainText('Bypassed');
  const count = requirements(page).getByText('0/2 approvals', { exact: true }).first();
  await expect(count).toBeVisible();
  // The count has the colour of what is neither passed nor waiting.
  await expect(count.locator('..')).toHaveClass(/text-muted/);
});
