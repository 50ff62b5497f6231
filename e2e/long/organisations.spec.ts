import type { Page } from 'playwright/test';
import { expectFitForAll } from '../fit-for-all.ts';
import { expect, test } from '../fixtures.ts';

const dialog = (page: Page) => page.getByRole('dialog');
const guide = (page: Page) => page.getByRole('region', { name: 'Getting started' });
const step = (page: Page, name: string) =>
  guide(page)
    .getByRole('listitem')
    .filter({ has: page.getByText(name, { exact: true }) });

test('a new user creates an organisation and follows the guide', async ({ newcomer, browserOf }) => {
  const founder = await newcomer();
  const page = await browserOf(founder);
  await page.goto('/');
  const mine = page.getByRole('region', { name: 'Your organisations' });
  await expect(mine).toContainText('No organisations yet');
  await expect(mine).toContainText(founder.username);
  await expectFitForAll(page);

  await mine.getByRole('button', { name: 'Create organisation' }).click();
  await dialog(page).getByLabel('Name').fill('not a name');
  await dialog(page).getByRole('button', { name: 'Create organisation' }).click();
  await expect(dialog(page).getByLabel('Name')).toHaveAccessibleDescription(/letters, digits/);
  await expect(dialog(page).getByLabel('Name')).toBeFocused();
  await expect(dialog(page).getByLabel('Name')).toHaveValue('not a name');
  const name = `${founder.username}-org`;
  await dialog(page).getByLabel('Name').fill(name);
  await page.keyboard.press('Enter');
  await expect(page.getByRole('heading', { level: 1, name })).toBeVisible();

  await expect(guide(page)).toContainText('0 of 8');
  await expect(step(page, 'Policy')).toContainText('Create a project first');
  await expectFitForAll(page);
  const { api } = founder;
  await api.environments.createEnvironment({ organisation: name, name: 'production', sortOrder: 1 });
  await api.destinations.createDestination({
    organisation: name,
    environment: 'production',
    name: 'eu',
    type: { organisation: 'forage', name: 'noop', version: 1n },
  });
  await step(page, 'Environments').getByRole('link', { name: 'Add environments' }).click();
  await expect(page).toHaveURL(/\/environments$/);
  await page.goBack();
  await expect(guide(page)).toContainText('2 of 8');
  await expect(step(page, 'Environments')).toContainText('Done');

  await step(page, 'Project').getByRole('button', { name: 'Create project' }).click();
  await dialog(page).getByLabel('Name').fill('checkout');
  await dialog(page).getByLabel('Description').fill('Takes the money 💶');
  await dialog(page).getByRole('button', { name: 'Create project' }).click();
  await expect(page.getByRole('heading', { level: 1, name: 'checkout' })).toBeVisible();
  await expect(page.getByText('Takes the money 💶')).toBeVisible();

  await page.goBack();
  await expect(guide(page)).toContainText('3 of 8');
  await expect(step(page, 'First build')).toContainText('AnnotateRelease');
  await expect(step(page, 'First build').getByRole('link', { name: 'Members' })).toHaveAttribute(
    'href',
    `/orgs/${name}/members`,
  );
  await expect(step(page, 'First release')).toContainText('Create a build first');
  await expect(step(page, 'First build')).toContainText(`"organisation": "${name}", "project": "checkout"`);
  await expect(step(page, 'Policy').getByRole('link', { name: 'Create policy' })).toHaveAttribute(
    'href',
    `/orgs/${name}/projects/checkout/policies`,
  );
  await expectFitForAll(page);
  await guide(page).getByRole('button', { name: 'Hide' }).click();
  await expect(guide(page)).toBeHidden();
  await page.reload();
  await expect(page.getByRole('link', { name: 'checkout' })).toBeVisible();
  await expect(guide(page)).toBeHidden();
});

test('shows a taken name at its field and keeps the input', async ({ world, browserOf }) => {
  const page = await browserOf(world.people.admin);
  await page.goto('/');
  await page.getByRole('button', { name: 'Create organisation' }).click();
  await dialog(page).getByLabel('Name').fill(world.organisation);
  await page.keyboard.press('Enter');
  await expect(dialog(page).getByLabel('Name')).toHaveAccessibleDescription(/is taken/i);
  await expect(dialog(page).getByLabel('Name')).toHaveValue(world.organisation);
  await page.keyboard.press('Escape');
  await expect(dialog(page)).toBeHidden();

  await page.goto(`/orgs/${world.organisation}`);
  await page
    .getByRole('region', { name: 'Projects' })
    .getByRole('button', { name: 'Create project' })
    .click();
  await dialog(page).getByRole('button', { name: 'Create project' }).click();
  await expect(dialog(page).getByLabel('Name')).toHaveAccessibleDescription(/Enter a name/);
  await dialog(page).getByLabel('Name').fill('shop');
  await page.keyboard.press('Enter');
  await expect(dialog(page)).toContainText(/already/);
  await expectFitForAll(page);
});

test('admins edit the description; members see it, and no guide', async ({ world, browserOf }) => {
  const admin = await browserOf(world.people.admin);
  await admin.goto(world.page());
  await admin.getByRole('button', { name: 'Add description' }).click();
  const text = `Sells things. ${'w'.repeat(300)}`;
  await dialog(admin).getByLabel('Description').fill(text);
  await dialog(admin).getByRole('button', { name: 'Save' }).click();
  await expect(admin.getByText(text)).toBeVisible();
  const member = await browserOf(world.people.reviewer);
  await member.goto(world.page());
  await expect(member.getByText(text)).toBeVisible();
  await expect(member.getByRole('button', { name: 'Edit description' })).toHaveCount(0);
  await member.goto(`/orgs/${world.organisation}`);
  await expect(member.getByRole('link', { name: 'shop' })).toBeVisible();
  await expect(member.getByRole('button', { name: 'Create project' })).toHaveCount(0);
  await expect(guide(member)).toHaveCount(0);
});

test('the guide counts what any project has, and goes for ever once something is live', async ({
  world,
  browserOf,
}) => {
  const { admin, author } = world.people;
  const { organisation } = world;
  // Comes before the project that has everything.
  await admin.api.releases.createProject({ organisation, project: 'billing' });
  await world.requireApprovals('production', 1);
  const artifact = await world.annotate();
  const page = await browserOf(admin);
  await page.goto(`/orgs/${organisation}`);
  await expect(guide(page)).toContainText('6 of 8');
  await expect(step(page, 'Policy')).toContainText('Done');
  await expect(step(page, 'First release').getByRole('link')).toHaveAttribute(
    'href',
    `/orgs/${organisation}/projects/shop`,
  );
  await world.release(artifact, 'staging');
  await expect(guide(page)).toHaveCount(0);
  await author.api.releases.annotateRelease({
    project: { organisation, project: 'billing' },
    context: { title: 'Another first build' },
    ref: { commitSha: '5f0c1d2e' },
  });
  await page.reload();
  await expect(page.getByRole('region', { name: 'Projects', exact: true })).toBeVisible();
  await expect(guide(page)).toHaveCount(0);
});

test('an empty project leads to the lines that make its first build', async ({ world, browserOf }) => {
  const page = await browserOf(world.people.reviewer);
  await page.goto(world.page());
  const releases = page.getByRole('region', { name: 'Releases' });
  await expect(releases).toContainText('No releases yet');
  await expect(releases).toContainText(`"organisation": "${world.organisation}", "project": "shop"`);
  await expect(releases.getByRole('button', { name: 'Copy the command' })).toBeVisible();
  await expect(page.getByRole('search', { name: 'Filter releases' })).toHaveCount(0);
  await expectFitForAll(page);
  await world.annotate();
  await page.reload();
  await expect(page.getByRole('link', { name: 'Round totals half up' })).toBeVisible();
});
