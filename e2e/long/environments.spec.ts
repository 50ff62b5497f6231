import type { Page } from 'playwright/test';
import { expect, test, type World } from '../fixtures.ts';
import { expectNoFaults, overhang } from '../page-faults.ts';

const address = (world: World) => `/orgs/${world.organisation}/environments`;
const row = (page: Page, name: string) =>
  page.getByRole('list', { name: 'Environments', exact: true }).getByRole('listitem', { name, exact: true });
const names = (page: Page) =>
  page.getByRole('list', { name: 'Environments', exact: true }).getByRole('heading');

async function open(world: World, page: Page): Promise<void> {
  await page.goto(address(world));
  await expect(page.getByRole('list', { name: 'Destinations of production' })).toBeVisible();
}

test('an admin creates an environment and a destination', async ({ world, newcomer, browserOf }) => {
  const owner = await newcomer();
  const name = `${world.organisation}-new`;
  await owner.api.organisations.createOrganisation({ name });
  const page = await browserOf(owner);
  await page.goto(`/orgs/${name}/environments`);
  await expect(page.getByText('No environments yet')).toBeVisible();
  const form = page.getByRole('form', { name: 'Create environment' });
  await form.getByRole('button', { name: 'Create environment' }).click();
  await expect(form.getByText(/must be 1 to 100 characters/i)).toBeVisible();
  await form.getByLabel('Name').fill('staging');
  await form.getByLabel('Description').fill('Where every build goes first 🌱');
  await form.getByRole('button', { name: 'Create environment' }).click();
  await expect(row(page, 'staging')).toContainText('Where every build goes first 🌱');
  await expect(row(page, 'staging')).toContainText('No destinations');
  await expect(form.getByLabel('Name')).toHaveValue('');
  await form.getByLabel('Name').fill('staging');
  await form.getByRole('button', { name: 'Create environment' }).click();
  await expect(form.getByRole('alert')).toContainText('already exists');
  await form.getByLabel('Name').fill('production');
  await form.getByRole('button', { name: 'Create environment' }).click();
  await expect(names(page)).toHaveText(['staging', 'production']);

  await row(page, 'staging').getByRole('button', { name: 'Add destination' }).click();
  const dialog = page.getByRole('dialog', { name: 'Add a destination to staging' });
  await dialog.getByLabel('Name').fill('eu');
  await dialog.getByRole('button', { name: 'Add destination' }).click();
  await expect(dialog.getByText('Choose a type')).toBeVisible();
  await dialog.getByLabel('Type').selectOption('forage/noop@1');
  await expect(dialog.getByText('Choose a type')).toHaveCount(0);
  await dialog.getByLabel('Seconds').fill('ten');
  await dialog.getByRole('button', { name: 'Add destination' }).click();
  await expect(dialog.getByText('Seconds must be a number')).toBeVisible();
  await expect(dialog.getByLabel('Seconds')).toBeFocused();
  await dialog.getByLabel('Seconds').fill('2');
  await dialog.getByLabel('Fail', { exact: true }).selectOption('Yes');
  await dialog.getByRole('button', { name: 'Add destination' }).click();
  await expect(dialog).toBeHidden();
  await expect(row(page, 'staging').getByRole('listitem', { name: 'eu' })).toContainText('Seconds:2');
});

test('a secret is required, never shown, and kept when its field is empty', async ({ world, browserOf }) => {
  const page = await browserOf(world.people.admin);
  await open(world, page);
  await row(page, 'production').getByRole('button', { name: 'Add destination' }).click();
  const create = page.getByRole('dialog');
  await create.getByLabel('Name').fill('hook');
  await create.getByLabel('Type').selectOption('forage/webhook@1');
  await create.getByLabel('URL').fill('https://example.com/hook');
  await create.getByRole('button', { name: 'Add destination' }).click();
  await expect(create.getByText('Signing secret is required')).toBeVisible();
  const secret = `whsec_${Buffer.alloc(32, 'k').toString('base64')}`;
  await create.getByLabel('Signing secret').fill(secret);
  await create.getByRole('button', { name: 'Add destination' }).click();
  const hook = row(page, 'production').getByRole('listitem', { name: 'hook' });
  await expect(hook).toContainText('https://example.com/hook');

  await hook.getByRole('button', { name: 'Edit' }).click();
  const edit = page.getByRole('dialog', { name: 'Edit hook' });
  await expect(edit.getByLabel('Signing secret')).toHaveValue('');
  await expect(edit.getByLabel('Signing secret')).toHaveAttribute('type', 'password');
  await expect(edit.getByText('Leave empty to keep the current value.')).toBeVisible();
  await edit.getByLabel('URL').fill('https://example.com/other');
  await edit.getByRole('button', { name: 'Save Changes' }).click();
  await expect(edit).toBeHidden();
  await expect(hook).toContainText('https://example.com/other');
  expect(await page.content()).not.toContain(secret);
});

test('reorders environments by buttons, which keep the focus', async ({ world, browserOf }) => {
  const page = await browserOf(world.people.admin);
  await open(world, page);
  await expect(names(page)).toHaveText(['staging', 'production']);
  const up = page.getByRole('button', { name: 'Move production up' });
  await up.focus();
  await page.keyboard.press('Enter');
  await expect(names(page)).toHaveText(['production', 'staging']);
  await expect(page.getByText('production is now 1 of 2')).toBeVisible();
  await expect(up).toBeFocused();
  await expect(up).toHaveAttribute('aria-disabled', 'true');
  const { environments } = await world.people.admin.api.environments.listEnvironments({
    organisation: world.organisation,
  });
  expect(environments.map(({ name }) => name)).toEqual(['production', 'staging']);
});

test('reorders environments by dragging; Escape cancels', async ({ world, browserOf }) => {
  const { admin } = world.people;
  await admin.api.environments.createEnvironment({
    organisation: world.organisation,
    name: 'load-test',
    sortOrder: 3,
  });
  const page = await browserOf(admin);
  await open(world, page);
  const handle = (name: string) => page.getByTitle(`Drag to reorder ${name}`);
  const drag = async (name: string, onto: string) => {
    const from = await handle(name).boundingBox();
    const to = await row(page, onto).boundingBox();
    if (!from || !to) throw new Error('No element to drag');
    await page.mouse.move(from.x + 5, from.y + 5);
    await page.mouse.down();
    const down = to.y > from.y;
    await page.mouse.move(from.x + 5, down ? to.y + to.height - 4 : to.y + 4, { steps: 12 });
  };
  await drag('staging', 'load-test');
  await expect(names(page)).toHaveText(['production', 'load-test', 'staging']);
  await page.keyboard.press('Escape');
  await page.mouse.up();
  await expect(names(page)).toHaveText(['staging', 'production', 'load-test']);

  await drag('staging', 'load-test');
  await page.mouse.up();
  await expect(page.getByText('staging is now 3 of 3')).toBeVisible();
  await drag('staging', 'production');
  await page.mouse.up();
  await expect(page.getByText('staging is now 1 of 3')).toBeVisible();
  await page.reload();
  await expect(names(page)).toHaveText(['staging', 'production', 'load-test']);
});

test('reverts and reports an order that the server refuses', async ({ world, browserOf }) => {
  const page = await browserOf(world.people.admin);
  await open(world, page);
  await page.route(/UpdateEnvironment/, (route) => route.abort('connectionrefused'));
  await page.getByRole('button', { name: 'Move staging down' }).click();
  await expect(page.getByRole('alert')).toContainText("Couldn't change the order.");
  await expect(names(page)).toHaveText(['staging', 'production']);
});

test('describes an environment, and deletes it only when unused', async ({ world, browserOf }) => {
  const page = await browserOf(world.people.admin);
  await open(world, page);
  await row(page, 'staging').getByRole('button', { name: 'Edit description' }).click();
  const dialog = page.getByRole('dialog', { name: 'Edit the description of staging' });
  await dialog.getByLabel('Description').fill('בדיקות');
  await dialog.getByRole('button', { name: 'Save Changes' }).click();
  await expect(row(page, 'staging')).toContainText('בדיקות');

  await row(page, 'staging').getByRole('button', { name: 'Delete' }).first().click();
  const question = page.getByRole('alertdialog', { name: 'Delete environment "staging"?' });
  await question.getByRole('button', { name: 'Delete' }).click();
  await expect(question.getByRole('alert')).toContainText('in use by destination "staging-eu"');
  await question.getByRole('button', { name: 'Cancel' }).click();

  const destination = row(page, 'staging').getByRole('listitem', { name: 'staging-eu' });
  await destination.getByRole('button', { name: 'Delete' }).click();
  await page
    .getByRole('alertdialog', { name: 'Delete destination "staging-eu"?' })
    .getByRole('button', { name: 'Delete' })
    .click();
  await expect(row(page, 'staging')).toContainText('No destinations');
  await row(page, 'staging').getByRole('button', { name: 'Delete' }).click();
  await question.getByRole('button', { name: 'Delete' }).click();
  await expect(names(page)).toHaveText(['production']);
});

test('shows members environments without controls', async ({ world, browserOf }) => {
  const page = await browserOf(world.people.reviewer);
  await open(world, page);
  await expect(row(page, 'staging').getByRole('listitem', { name: 'staging-eu' })).toBeVisible();
  await expect(page.getByRole('main').getByRole('button')).toHaveCount(0);
});

test('retries loading destinations', async ({ world, browserOf }) => {
  const page = await browserOf(world.people.admin);
  await page.route(/GetDestinations/, (route) => route.abort('connectionrefused'));
  await page.goto(address(world));
  const failed = row(page, 'staging').getByRole('alert');
  await expect(failed).toContainText("Couldn't load destinations", { timeout: 40_000 });
  await page.unroute(/GetDestinations/);
  await failed.getByRole('button', { name: 'Try again' }).click();
  await expect(row(page, 'staging').getByRole('listitem', { name: 'staging-eu' })).toBeVisible();
});

test('the environments page is accessible and fits 320 pixels', async ({ world, browserOf }) => {
  const name = `a-name-${'that-is-long-'.repeat(6)}`;
  await world.people.admin.api.environments.createEnvironment({
    organisation: world.organisation,
    name,
    description: 'long '.repeat(2_000),
    sortOrder: 9,
  });
  await world.addDestination(name, `${name}x`, { fail_message: name.repeat(4) });
  for (const colorScheme of ['light', 'dark'] as const) {
    const page = await browserOf(world.people.admin, { colorScheme, reducedMotion: 'reduce' });
    await open(world, page);
    await expectNoFaults(page, colorScheme);
    await page.getByRole('button', { name: 'Add destination' }).first().click();
    await page.getByRole('dialog').getByLabel('Type').selectOption('forage/webhook@1');
    await page.getByRole('button', { name: 'Add destination' }).click();
    await expect(page.getByText('URL is required')).toBeVisible();
    await expectNoFaults(page, colorScheme);
    await page.setViewportSize({ width: 320, height: 640 });
    expect(await overhang(page)).toBeLessThanOrEqual(0);
    await page.keyboard.press('Escape');
    expect(await overhang(page)).toBeLessThanOrEqual(0);
  }
});
