import { expect, test } from './fixtures.ts';

test('a changed destination is shown in the panel and in the waiting list', async ({ world, browserOf }) => {
  const { admin, reviewer, reviewerTwo } = world.people;
  const { organisation } = world;
  await world.requireApprovals('production', 2);
  const build = await world.annotate({ title: 'Charge the total' });
  const releaseIntentId = await world.release(build, 'production');
  const { project } = world;
  await reviewer.api.policies.approveRelease({ project, releaseIntentId, targetEnvironment: 'production' });
  const { destinations } = await admin.api.destinations.getDestinations({ organisation });
  const name = destinations.find(({ environment }) => environment === 'production')?.name ?? '';
  await admin.api.destinations.updateDestination({ organisation, name, metadata: { seconds: '1' } });

  const words = `${name}’s settings were changed by ${admin.username} since 1 of these votes`;
  const page = await browserOf(reviewerTwo);
  await page.goto('/');
  const row = page.getByRole('list', { name: 'Waiting for you' }).getByRole('listitem');
  await expect(row).toContainText(words);
  await expect(row.getByRole('button', { name: 'Approve', exact: true })).toBeVisible();
  await row.getByRole('link').first().click();
  const panel = page.getByRole('region', { name: 'Policy Requirements' });
  await expect(panel).toContainText(words);
  await expect(panel).toContainText(`given before ${name} was changed`);
  await expect(panel).toContainText('0/2 approvals');
});

test('the pipeline editor says at a plan stage which destinations cannot plan', async ({
  world,
  browserOf,
}) => {
  const { admin } = world.people;
  const { organisation } = world;
  const secret = `whsec_${Buffer.alloc(32, 'a secret of this test').toString('base64')}`;
  await admin.api.destinations.createDestination({
    organisation,
    name: 'hook',
    environment: 'production',
    type: { organisation: 'forage', name: 'webhook', version: 1n },
    metadata: { url: 'https://deploy.example/hook', secret },
  });
  await world.addPipeline('planned', [
    { id: 'look', config: { case: 'plan', value: { environment: 'production' } } },
  ]);
  const page = await browserOf(admin);
  await page.goto(world.page('pipelines/planned'));
  const warning = page.getByRole('list', { name: 'Destinations of production that cannot plan' });
  await expect(warning).toContainText('This stage would fail: hook cannot plan.');
  await admin.api.destinations.updateDestination({
    organisation,
    name: 'hook',
    metadata: { url: 'https://deploy.example/hook', plans: 'true' },
  });
  await page.reload();
  await page.getByRole('button', { name: /Plan production/ }).click();
  await expect(page.getByRole('combobox', { name: 'Environment' })).toHaveValue('production');
  await expect(warning).toHaveCount(0);
});
