import type { Page } from 'playwright/test';
import { BuildState } from '#server/gen/forest/v1/releases_pb.ts';
import { expectFitForAll } from './fit-for-all.ts';
import { becomes, build, expect, test } from './fixtures.ts';

const listed = (page: Page, title: string) =>
  page.getByRole('list', { name: 'Releases' }).locator('> li').filter({ hasText: title });
const badge = (page: Page, title: string, label: string) =>
  listed(page, title).getByText(label, { exact: true });

test('shows a colleague’s rejection beside the missing approvals, until it is withdrawn', async ({
  world,
  browserOf,
}) => {
  const { author, reviewer } = world.people;
  const { artifact, intentId } = await world.gated();
  const title = artifact.context?.title ?? '';
  const vote = {
    project: world.project,
    releaseIntentId: intentId,
    targetEnvironment: 'production',
  };
  await reviewer.api.policies.rejectRelease({ ...vote, comment: 'The totals are wrong.' });
  const page = await browserOf(author);
  await page.goto(world.page());
  await expect(badge(page, title, 'Awaiting approval 0/2')).toBeVisible();
  await expect(badge(page, title, `Rejected by ${reviewer.username}`)).toBeVisible();
  await expect(listed(page, title)).toContainText('production: Awaiting approval 0/2, rejected');
  await expectFitForAll(page);
  await page.getByRole('link', { name: title }).click();
  const rejection = page.getByRole('status').filter({ hasText: `Rejected by ${reviewer.username}` });
  await expect(rejection).toContainText('“The totals are wrong.”');
  await reviewer.api.policies.withdrawVote(vote);
  await expect(rejection).toHaveCount(0);
  await page.goto(world.page());
  await expect(badge(page, title, 'Awaiting approval 0/2')).toBeVisible();
  await expect(badge(page, title, `Rejected by ${reviewer.username}`)).toHaveCount(0);
});

test('shows the environments of a release in the order of the organisation', async ({ world, browserOf }) => {
  const made = await build(world, '1.0.0');
  await world.release(made, 'staging');
  await becomes(world, made.artifactId, 'staging-eu', BuildState.LIVE);
  await world.release(made, 'production');
  for (const name of ['eu-west', 'us-east']) await becomes(world, made.artifactId, name, BuildState.LIVE);
  const page = await browserOf(world.people.author);
  await page.goto(world.page());
  const strip = page.getByRole('list', { name: `Environments of ${made.slug}` }).getByRole('listitem');
  await expect(strip).toHaveText(['staging: Live', 'production: Live']);
});

test('never shows a bypass as an approval, whatever became of the build', async ({ world, browserOf }) => {
  const { admin, reviewer } = world.people;
  await world.requireApprovals('staging', 1);
  const [old, next] = [await build(world, '1.0.0'), await build(world, '2.0.0')];
  const vote = (releaseIntentId: string) => ({
    project: world.project,
    releaseIntentId,
    targetEnvironment: 'staging',
  });
  const bypassed = vote(await world.release(old, 'staging'));
  await admin.api.policies.approveRelease({ ...bypassed, forceBypass: true, comment: 'The shop is down.' });
  await becomes(world, old.artifactId, 'staging-eu', BuildState.LIVE);
  const page = await browserOf(reviewer);
  await page.goto(world.page());
  await expect(badge(page, 'Version 1.0.0', 'Bypassed · live')).toBeVisible();
  await expect(listed(page, 'Version 1.0.0')).toContainText('staging: Bypassed · live');
  await page.getByRole('link', { name: 'Version 1.0.0' }).click();
  const bypass = `Approval bypassed by ${admin.username}: “The shop is down.”`;
  await expect(page.getByRole('status').filter({ hasText: bypass })).toContainText('Live on staging');
  await expect(page.getByRole('region', { name: 'Policy Requirements' })).toContainText(
    /Opened \d\d:\d\d · 1\/1 passed · 1 bypassed/,
  );
  // Green is for approvals.
  const tally = page.getByText('1/1 passed', { exact: true }).locator('..');
  await expect(tally).toHaveClass(/text-muted/);

  const approved = vote(await world.release(next, 'staging'));
  await reviewer.api.policies.approveRelease(approved);
  await becomes(world, next.artifactId, 'staging-eu', BuildState.LIVE);
  await page.goto(world.page());
  await expect(badge(page, 'Version 1.0.0', 'Bypassed · was live')).toBeVisible();
  await expect(badge(page, 'Version 2.0.0', 'Live')).toBeVisible();
  await expectFitForAll(page);
});

test('shows the release of a build that needs a person first', async ({ world, browserOf }) => {
  const { author } = world.people;
  await world.requireApprovals('staging', 2);
  await world.requireApprovals('production', 1);
  const artifact = await world.annotate();
  const title = artifact.context?.title ?? '';
  await world.release(artifact, 'staging');
  const newest = await world.release(artifact, 'production');
  // Active too, and newer, but it waits for nobody.
  const { organisation } = world;
  await world.people.admin.api.environments.createEnvironment({ organisation, name: 'canary', sortOrder: 9 });
  await world.addDestination('canary', 'slow', { seconds: '3600' });
  await world.release(artifact, 'canary');
  const page = await browserOf(author);
  await page.goto(world.page());
  await expect(badge(page, title, 'Awaiting approval 0/1')).toBeVisible();
  await author.api.releases.cancelRelease({ releaseIntentId: newest });
  await expect(badge(page, title, 'Awaiting approval 0/2')).toBeVisible();
});
