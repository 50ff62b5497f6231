import type { Page } from 'playwright/test';
import { PolicyType } from '#server/gen/forest/v1/policies_pb.ts';
import { ReleaseStatus } from '#server/gen/forest/v1/releases_pb.ts';
import { apiAt } from '../scripts/api.ts';
import { expect, openDeploy, test } from './fixtures.ts';
import { expectNoFaults } from './page-faults.ts';
import { polledUntil } from './polling.ts';
import { startReceiver } from './receiver.ts';

const pipeline = (page: Page) => page.getByRole('region', { name: 'Pipeline' });
const destination = (page: Page, name: string) =>
  page.getByRole('region', { name: 'Destinations' }).getByRole('row').filter({ hasText: name });
const listed = (page: Page, title: string) =>
  page.getByRole('list', { name: 'Releases' }).getByRole('listitem').filter({ hasText: title });

test('shows in the header what was built and from what source', async ({ world, browserOf }) => {
  const { author } = world.people;
  const { artifact } = await author.api.releases.annotateRelease({
    project: world.project,
    source: { user: author.username, sourceType: 'ci', runUrl: 'https://ci.example.com/runs/17' },
    context: {
      title: 'Round totals half up\n\nBankers disagree.',
      description: 'One line changed.',
      pr: 'https://git.example.com/pulls/8',
    },
    ref: { commitSha: '5f0c1d2e3b4a59687786a5b4c3d2e1f001234567', branch: 'main', version: '1.4.0' },
  });
  const page = await browserOf(world.people.reviewer, { permissions: ['clipboard-read', 'clipboard-write'] });
  await page.goto(world.page(`releases/${artifact?.slug}`));
  await expect(
    page.getByRole('heading', { level: 1, name: 'Round totals half up', exact: true }),
  ).toBeVisible();
  await expect(page.getByText('Bankers disagree.')).toBeHidden();
  await page.getByText('Details').click();
  await expect(page.getByText('Bankers disagree.')).toBeVisible();
  const main = page.getByRole('main');
  for (const text of ['1.4.0', artifact?.slug ?? '', 'main', '5f0c1d2', 'One line changed.']) {
    await expect(main.getByText(text, { exact: true }).first()).toBeVisible();
  }
  await expect(page.getByRole('link', { name: 'CI run' })).toHaveAttribute(
    'href',
    'https://ci.example.com/runs/17',
  );
  await expect(page.getByRole('link', { name: 'Pull request' })).toBeVisible();
  await page.getByRole('button', { name: 'Copy commit' }).click();
  expect(await page.evaluate('navigator.clipboard.readText()')).toBe(artifact?.ref?.commitSha);
  // Over plain HTTP there is no clipboard, so the text is shown for selection.
  await page.evaluate("Object.defineProperty(navigator, 'clipboard', { value: undefined })");
  await page.getByRole('button', { name: 'Copy commit' }).click();
  await page.getByText('Select and copy it manually').click({ clickCount: 3 });
  expect(await page.evaluate('getSelection()?.toString()')).toContain(artifact?.ref?.commitSha);
  const crumbs = page.getByRole('navigation', { name: 'Breadcrumb' });
  await crumbs.getByRole('link', { name: 'shop' }).click();
  await expect(listed(page, 'Round totals half up')).toContainText('Not released');
});

test('deploys a release without policies, and shows no Policy Requirements', async ({ world, browserOf }) => {
  const { slug } = await world.annotate();
  const page = await browserOf(world.people.author);
  await page.goto(world.page(`releases/${slug}`));
  await expect(pipeline(page)).toContainText('Not released yet');
  const deploy = await openDeploy(page);
  await deploy.getByRole('button', { name: 'Deploy' }).click();
  await expect(deploy.getByLabel('Target environment')).toBeFocused();
  await expect(deploy.getByLabel('Target environment')).toHaveAccessibleDescription(/Choose an environment/);
  await deploy.getByLabel('Target environment').selectOption('staging');
  await deploy.getByRole('button', { name: 'Deploy' }).click();
  await expect(pipeline(page)).toContainText('Deployed to staging');
  await expect(pipeline(page)).toContainText('1/1 stages complete');
  await expect(destination(page, 'staging-eu')).toContainText('Live');
  await expect(destination(page, 'staging-eu')).toContainText('forage/noop@1');
  await expect(destination(page, 'eu-west')).toContainText('Not deployed');
  await expect(page.getByRole('region', { name: 'Policy Requirements' })).toHaveCount(0);
});

test('warns of a forbidden branch before the release and shows the refusal', async ({ world, browserOf }) => {
  const { admin, author } = world.people;
  await admin.api.policies.createPolicy({
    project: world.project,
    name: 'main-only',
    policyType: PolicyType.BRANCH_RESTRICTION,
    config: {
      case: 'branchRestriction',
      value: { targetEnvironment: 'production', branchPattern: '^main$' },
    },
  });
  const { slug } = await world.annotate({ branch: 'feature/coupons' });
  const page = await browserOf(author);
  await page.goto(world.page(`releases/${slug}`));
  const deploy = await openDeploy(page);
  await deploy.getByLabel('Target environment').selectOption('production');
  await expect(deploy).toContainText('Policy main-only forbids this release to production');
  await deploy.getByRole('button', { name: 'Deploy' }).click();
  await expect(deploy.getByRole('alert')).toContainText('Release not started:');
  await expect(deploy.getByRole('alert')).toContainText('main-only');
  await deploy.getByRole('button', { name: 'Cancel' }).click();
  await expect(pipeline(page)).toContainText('Not released yet');
});

test('holds a release for its soak time, shows until when, and then deploys it', async ({
  world,
  browserOf,
}) => {
  const { admin } = world.people;
  await admin.api.policies.createPolicy({
    project: world.project,
    name: 'soak-in-staging',
    policyType: PolicyType.SOAK_TIME,
    config: {
      case: 'soakTime',
      value: { sourceEnvironment: 'staging', targetEnvironment: 'production', durationSeconds: 3600n },
    },
  });
  await world.addPipeline('main-line', [
    { id: 'staging', config: { case: 'deploy', value: { environment: 'staging' } } },
    {
      id: 'production',
      dependsOn: ['staging'],
      config: { case: 'deploy', value: { environment: 'production' } },
    },
  ]);
  const artifact = await world.annotate();
  await world.releaseBy('main-line', artifact);
  const page = await browserOf(world.people.reviewer);
  await page.goto(world.page(`releases/${artifact.slug}`));
  const requirements = page.getByRole('region', { name: 'Policy Requirements' });
  await expect(requirements).toContainText('Soak Time');
  await expect(requirements).toContainText('soak-in-staging');
  await expect(requirements).toContainText(/1h in staging, ends/);
  await expect(requirements).toContainText('0/1 passed');
  await expect(requirements.getByRole('button', { name: 'Approve' })).toHaveCount(0);
  await expect(pipeline(page)).toContainText('Deploy to production');
  await expect(destination(page, 'eu-west')).toContainText('Not deployed');
  // A changed policy applies to waiting releases, too.
  await admin.api.policies.updatePolicy({
    project: world.project,
    name: 'soak-in-staging',
    config: {
      case: 'soakTime',
      value: { sourceEnvironment: 'staging', targetEnvironment: 'production', durationSeconds: 1n },
    },
  });
  await expect(pipeline(page)).toContainText('Deployed to production');
  await expect(destination(page, 'eu-west').getByText('Live', { exact: true })).toBeVisible();
  await expect(requirements).toContainText('1/1 passed');
});

test('shows destinations as deploying, queued with position, and failed with the error', async ({
  world,
  browserOf,
}) => {
  const { admin, author } = world.people;
  const { organisation } = world;
  for (const name of ['rig', 'broken']) {
    await admin.api.environments.createEnvironment({ organisation, name, sortOrder: 9 });
  }
  await world.addDestination('rig', 'slow-rig', { seconds: '600' });
  await world.addDestination('broken', 'cracked-rig', { fail: 'true', fail_message: 'The rig is cracked.' });
  const first = await world.annotate({ title: 'First on the rig' });
  const second = await world.annotate({ title: 'Second on the rig' });
  await world.release(first, 'rig');
  const page = await browserOf(author);
  await page.goto(world.page(`releases/${first.slug}`));
  await expect(destination(page, 'slow-rig')).toContainText('Deploying');
  await expect(pipeline(page)).toContainText('Deploying to rig');

  await world.release(second, 'rig');
  await page.goto(world.page(`releases/${second.slug}`));
  await expect(destination(page, 'slow-rig')).toContainText('Queued #1');
  await expect(pipeline(page)).toContainText('Queued for rig');

  await page.goto(world.page());
  await expect(listed(page, 'First on the rig')).toContainText('Deploying');
  await expect(listed(page, 'Second on the rig')).toContainText('Queued');

  const third = await world.annotate({ title: 'Meets the broken rig' });
  await world.release(third, 'broken');
  await page.goto(world.page(`releases/${third.slug}`));
  await expect(destination(page, 'cracked-rig')).toContainText('Failed');
  await expect(destination(page, 'cracked-rig')).toContainText('The rig is cracked.');
  await expect(pipeline(page)).toContainText('Failed on broken');
});

test('shows a delivery as deploying until its receiver reports or the timeout expires', async ({
  world,
  browserOf,
}) => {
  const { admin, author } = world.people;
  const { organisation } = world;
  const receiver = await startReceiver();
  try {
    const type = { organisation: 'forage', name: 'webhook', version: 1n };
    const secret = `whsec_${Buffer.alloc(32, 'a secret of this test').toString('base64')}`;
    for (const [name, timeout] of [
      ['slow', '600'],
      ['silent', '1'],
    ] as const) {
      await admin.api.environments.createEnvironment({ organisation, name, sortOrder: 9 });
      const metadata = { url: receiver.url, secret, timeout_seconds: timeout };
      const environment = name;
      await admin.api.destinations.createDestination({
        organisation,
        environment,
        name: `${name}-hook`,
        metadata,
        type,
      });
    }
    const page = await browserOf(author);
    const artifact = await world.annotate();
    await world.release(artifact, 'slow');
    await page.goto(world.page(`releases/${artifact.slug}`));
    await expect(destination(page, 'slow-hook')).toContainText('Deploying');
    await expect.poll(() => receiver.events.length).toBe(1);
    const event = receiver.events[0] ?? {};
    const reporter = apiAt(world.url, String(event['report_token']));
    await reporter.releases.reportRelease({
      releaseId: String(event['release_id']),
      status: ReleaseStatus.SUCCEEDED,
    });
    await expect(destination(page, 'slow-hook')).toContainText('Live');

    const unreported = await world.annotate({ title: 'Never reported' });
    await world.release(unreported, 'silent');
    await page.goto(world.page(`releases/${unreported.slug}`));
    await expect(destination(page, 'silent-hook')).toContainText('Timed out');
    await expect(pipeline(page)).toContainText('Timed out on silent');
  } finally {
    await receiver.close();
  }
});

test('cancels a queued release and shows it at its destination', async ({ world, browserOf }) => {
  const { author } = world.people;
  const { organisation } = world;
  await world.people.admin.api.environments.createEnvironment({ organisation, name: 'rig', sortOrder: 9 });
  await world.addDestination('rig', 'slow-rig', { seconds: '600' });
  await world.release(await world.annotate(), 'rig');
  const onRig = async () => {
    const { destinations } = await author.api.releases.getDestinationStates({ organisation });
    return destinations.find(({ destinationName }) => destinationName === 'slow-rig')?.status;
  };
  await expect.poll(onRig).toBe('RUNNING');
  const queued = await world.annotate({ title: 'Behind the first' });
  await world.release(queued, 'rig');
  const page = await browserOf(author);
  await page.goto(world.page(`releases/${queued.slug}`));
  await expect(destination(page, 'slow-rig')).toContainText('Queued #1');
  await page.getByRole('button', { name: 'Cancel release' }).click();
  await page.getByRole('alertdialog').getByRole('button', { name: 'Cancel release' }).click();
  await expect(pipeline(page)).toContainText('Cancelled rig');
  await expect(destination(page, 'slow-rig')).toContainText('Cancelled');
});

test('lets the author cancel a waiting release, or keep it', async ({ world, browserOf }) => {
  const { author, reviewer } = world.people;
  const { address, artifact } = await world.gated();
  const reader = await browserOf(reviewer);
  await reader.goto(address);
  await expect(pipeline(reader)).toContainText('Awaiting approval for production');
  await expect(reader.getByRole('button', { name: 'Cancel release' })).toHaveCount(0);

  const page = await browserOf(author);
  await page.goto(address);
  await page.getByRole('button', { name: 'Cancel release' }).click();
  const dialog = page.getByRole('alertdialog', { name: 'Cancel this release?' });
  await expect(dialog).toContainText(artifact.slug);
  await page.keyboard.press('Escape');
  await expect(dialog).toBeHidden();
  await expect(pipeline(page)).toContainText('Awaiting approval for production');

  await page.getByRole('button', { name: 'Cancel release' }).click();
  await dialog.getByLabel('Reason').fill('A newer build is coming.');
  await dialog.getByRole('button', { name: 'Cancel release' }).click();
  for (const each of [page, reader]) {
    await expect(pipeline(each)).toContainText('Cancelled production');
    await expect(pipeline(each)).toContainText('A newer build is coming.');
    await expect(each.getByRole('button', { name: 'Approve' })).toHaveCount(0);
  }
  await expect(page.getByRole('button', { name: 'Cancel release' })).toHaveCount(0);
});

test('lists what each release waits for, and updates', async ({ world, browserOf }) => {
  const { reviewer, reviewerTwo } = world.people;
  const gated = await world.gated();
  const page = await browserOf(reviewer);
  await page.clock.install();
  await page.goto(world.page());
  const row = listed(page, gated.artifact.context?.title ?? '');
  await expect(row).toContainText('Awaiting approval 0/2');
  await expect(row).toContainText('main');
  await expect(row).toContainText('5f0c1d2');
  await gated.approve(reviewer);
  await polledUntil(page, (within) => expect(row).toContainText('Awaiting approval 1/2', within));
  await gated.approve(reviewerTwo);
  await polledUntil(page, (within) => expect(row).toContainText('Live', within));
  await expect(row.getByRole('list')).toContainText('production');
});

test('refuses a second release of an artifact while one is active', async ({ world, browserOf }) => {
  await world.requireApprovals('production', 1);
  await world.addPipeline('main-line', [
    { id: 'production', config: { case: 'deploy', value: { environment: 'production' } } },
  ]);
  const artifact = await world.annotate();
  await world.releaseBy('main-line', artifact);
  const page = await browserOf(world.people.author);
  await page.goto(world.page(`releases/${artifact.slug}`));
  const deploy = await openDeploy(page);
  await expect(deploy.getByLabel('Use pipeline')).toBeChecked();
  await deploy.getByRole('button', { name: 'Deploy' }).click();
  await expect(deploy.getByRole('alert')).toContainText('Release not started:');
});

test('filters the list by the address, and keeps filters on back and forward', async ({
  world,
  browserOf,
}) => {
  const { reviewer } = world.people;
  await world.annotate({ title: 'Print receipts in green', branch: 'fix/receipts' });
  const gated = await world.gated();
  const page = await browserOf(reviewer);
  await page.goto(world.page());
  const rows = page
    .getByRole('list', { name: 'Releases' })
    .getByRole('listitem')
    .filter({ has: page.getByRole('link') });
  await expect(rows).toHaveCount(2);
  const filters = page.getByRole('search', { name: 'Filter releases' });
  await filters.getByLabel('Status').selectOption('Awaiting approval');
  await expect(rows).toHaveCount(1);
  await expect(rows).toContainText('Awaiting approval 0/2');
  await expect(page).toHaveURL(/\?status=awaiting-approval$/);
  await rows.getByRole('link', { name: gated.artifact.context?.title ?? '' }).click();
  await expect(page.getByRole('region', { name: 'Policy Requirements' })).toBeVisible();
  await page.goBack();
  await expect(filters.getByLabel('Status')).toHaveValue('3');
  await expect(rows).toHaveCount(1);
  await page.goBack();
  await expect(filters.getByLabel('Status')).toHaveValue('0');
  await expect(rows).toHaveCount(2);
  await page.goForward();
  await expect(rows).toHaveCount(1);
  await expect(rows).toContainText(gated.artifact.context?.title ?? '');
  await filters.getByRole('button', { name: 'Clear filters' }).click();
  await expect(rows).toHaveCount(2);
  await expect(filters.getByRole('button', { name: 'Clear filters' })).toHaveCount(0);
  const more = filters.getByRole('button', { name: 'More filters' });
  await expect(filters.getByLabel('Branch')).toBeHidden();
  await more.click();
  // Typing a word adds one step to the browser's history.
  await filters.getByLabel('Branch').pressSequentially('fix/receipts');
  await expect(page).toHaveURL(/branch=fix%2Freceipts/);
  await expect(rows).toHaveCount(1);
  await filters.getByLabel('Search').pressSequentially('GREEN');
  await expect(page).toHaveURL(/text=GREEN/);
  await expect(rows).toContainText('Print receipts in green');
  await filters.getByLabel('Author').fill('nobody-of-that-name');
  await expect(page.getByText('No matching releases')).toBeVisible();
  await page.reload();
  await expect(page.getByText('No matching releases')).toBeVisible();
  await expect(filters.getByLabel('Author')).toHaveValue('nobody-of-that-name');
  await expect(more).toHaveText('More filters2 set');
  for (const colorScheme of ['light', 'dark'] as const) {
    await page.emulateMedia({ colorScheme });
    await expectNoFaults(page, colorScheme);
  }
  await page
    .getByRole('region', { name: 'Releases' })
    .getByRole('button', { name: 'Clear filters' })
    .last()
    .click();
  await expect(rows).toHaveCount(2);
});

test('keeps the filters when the filtered list cannot be loaded', async ({ world, browserOf }) => {
  await world.annotate();
  const page = await browserOf(world.people.reviewer);
  await page.goto(world.page());
  await expect(listed(page, 'Round totals')).toBeVisible();
  await page.route(/GetArtifactsByProject/, (route) => route.abort('connectionrefused'));
  await page.getByLabel('Search').fill('receipts');
  await expect(page.getByText("Couldn't load releases")).toBeVisible();
  await expect(page.getByLabel('Search')).toHaveValue('receipts');
  await page.unroute(/GetArtifactsByProject/);
  await page.getByRole('button', { name: 'Try again' }).click();
  await expect(page.getByText('No matching releases')).toBeVisible();
});

test('restores the scroll position of the list on back', async ({ world, browserOf }) => {
  for (let build = 0; build < 60; build++) await world.annotate({ title: `Build number ${build}` });
  const page = await browserOf(world.people.reviewer);
  await page.goto(world.page());
  await page.getByRole('button', { name: 'Load more releases' }).click();
  const link = page.getByRole('link', { name: 'Build number 4', exact: true });
  await link.scrollIntoViewIfNeeded();
  const before = (await link.boundingBox())?.y ?? 0;
  await link.click();
  await expect(page.getByRole('heading', { level: 1, name: 'Build number 4' })).toBeVisible();
  await page.goBack();
  await expect(link).toBeInViewport();
  await expect.poll(async () => Math.abs(((await link.boundingBox())?.y ?? 0) - before)).toBeLessThan(80);
});
