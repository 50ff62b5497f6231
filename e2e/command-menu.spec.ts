import type { Page } from 'playwright/test';
import { expectFitForAll } from './fit-for-all.ts';
import { expect, test } from './fixtures.ts';

const field = (page: Page) => page.getByRole('combobox', { name: 'Project, release or screen' });
const option = (page: Page, name: string | RegExp) => page.getByRole('option', { name });

async function openMenuAtHome(page: Page) {
  await page.goto('/');
  await expect(page.getByRole('region', { name: 'Waiting for you' })).toBeVisible();
  await page.keyboard.press('Control+k');
  await expect(field(page)).toBeFocused();
}

test('Ctrl K opens screens, projects and releases', async ({ world, browserOf }) => {
  const { slug } = await world.annotate({ title: 'Round totals half up' });
  await world.annotate({ title: 'Another build' });
  const page = await browserOf(world.people.reviewer);
  await openMenuAtHome(page);
  await field(page).fill('memb');
  await expect(option(page, /Members/)).toHaveAttribute('aria-selected', 'true');
  await page.keyboard.press('Enter');
  await expect(page).toHaveURL(`${world.url}/orgs/${world.organisation}/members`);
  await expect(page.getByRole('heading', { level: 1, name: 'Members' })).toBeVisible();

  await page.keyboard.press('Control+k');
  await field(page).fill('shop');
  await expect(option(page, new RegExp(`shop ?${world.organisation}`))).toBeVisible();
  await option(page, new RegExp(`shop ?${world.organisation}`)).click();
  await expect(page).toHaveURL(world.page());

  await page.keyboard.press('Meta+k');
  await field(page).fill(slug);
  await expect(option(page, /Round totals half up/)).toBeVisible();
  await expect(page.getByRole('option')).toHaveCount(1);
  await page.keyboard.press('Enter');
  await expect(page).toHaveURL(world.page(`releases/${slug}`));
});

test('arrows select and wrap around; Escape closes and returns the focus', async ({ world, browserOf }) => {
  const page = await browserOf(world.people.admin);
  await page.goto(world.page('policies'));
  const name = page.getByLabel('Name', { exact: true });
  await name.fill('kept');
  await page.keyboard.press('Control+k');
  await expect(field(page)).toBeFocused();
  const options = page.getByRole('option');
  await expect(options.first()).toHaveAttribute('aria-selected', 'true');
  const first = await options.first().getAttribute('id');
  await expect(field(page)).toHaveAttribute('aria-activedescendant', first ?? '');
  await page.keyboard.press('ArrowDown');
  await expect(options.nth(1)).toHaveAttribute('aria-selected', 'true');
  await page.keyboard.press('ArrowUp');
  await page.keyboard.press('ArrowUp');
  await expect(options.last()).toHaveAttribute('aria-selected', 'true');
  await page.keyboard.press('Escape');
  await expect(field(page)).toBeHidden();
  await expect(name).toBeFocused();
  await expect(name).toHaveValue('kept');
  await expect(page).toHaveURL(world.page('policies'));
});

test('opens by its button on a phone and is accessible, with and without results', async ({
  world,
  browserOf,
}) => {
  await world.annotate({ title: 'w'.repeat(200) });
  const page = await browserOf(world.people.reviewer, { viewport: { width: 390, height: 800 } });
  await page.goto(world.page());
  await page.getByRole('button', { name: 'Go to…' }).click();
  await expect(option(page, /www/)).toBeVisible();
  await expectFitForAll(page);
  await field(page).fill('nothing of that kind');
  await expect(page.getByText('No results.')).toBeVisible();
  await expectFitForAll(page);
});

test('knows the screens of every project, and the actions of admins', async ({ world, browserOf }) => {
  const page = await browserOf(world.people.admin);
  await openMenuAtHome(page);
  await field(page).fill('pol');
  await expect(option(page, /^Policies/)).toBeVisible();
  await field(page).fill('create policy');
  await page.keyboard.press('Enter');
  await expect(page).toHaveURL(`${world.page('policies')}#new`);
  await expect(page.getByLabel('Name', { exact: true })).toBeFocused();

  const member = await browserOf(world.people.reviewer);
  await openMenuAtHome(member);
  await field(member).fill('create policy');
  await expect(member.getByText('No results.')).toBeVisible();
});

test('reports a failed search and still lists screens', async ({ world, browserOf }) => {
  const page = await browserOf(world.people.reviewer);
  await page.route(/GetProjects/, (route) => route.fulfill({ status: 500, body: 'no' }));
  await openMenuAtHome(page);
  await expect(page.getByRole('dialog').getByRole('alert')).toContainText('Some results are missing.');
  await field(page).fill('account');
  await page.keyboard.press('Enter');
  await expect(page.getByRole('heading', { level: 1, name: 'Account' })).toBeVisible();
});

test('finds nothing of other organisations', async ({ world, newcomer, browserOf }) => {
  const { slug } = await world.annotate();
  const page = await browserOf(await newcomer());
  await openMenuAtHome(page);
  await field(page).fill(slug);
  await expect(page.getByText('No results.')).toBeVisible();
});
