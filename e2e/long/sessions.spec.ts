import { readFile } from 'node:fs/promises';
import type { Page } from 'playwright/test';
import { expectFitForAll } from '../fit-for-all.ts';
import { expect, type Person, password, signIn, test } from '../fixtures.ts';
import { LINE } from '../hostile-texts.ts';
import { injected } from '../injected.ts';

async function fillSignIn(page: Page, { username, password }: Pick<Person, 'username' | 'password'>) {
  await page.getByLabel('Username or email').fill(username);
  await page.getByLabel('Password').fill(password);
  await page.getByRole('button', { name: 'Sign in' }).click();
}

test('sets up an empty server by its setup link, once', async ({ page, ownServer }) => {
  const server = await ownServer();
  await page.goto(server.url);
  await expect(page.getByRole('heading', { name: 'Set up Forage' })).toBeVisible();
  await expect(page.getByText('Open the setup link printed when it started')).toBeVisible();
  const operations = await readFile(new URL('../../docs/operations.md', import.meta.url), 'utf8');
  const commands = await page.locator('pre').allTextContents();
  expect(commands).toHaveLength(2);
  for (const command of commands) expect(operations).toContain(command);
  await page.context().grantPermissions(['clipboard-read', 'clipboard-write']);
  await page.getByRole('button', { name: 'Copy command for Compose' }).click();
  await expect.poll(() => page.evaluate('navigator.clipboard.readText()')).toBe(commands[0]);
  await expectFitForAll(page);
  await page.setViewportSize({ width: 390, height: 844 });
  await expectFitForAll(page);

  await page.goto(`${server.url}/set-up?token=forage_u_guessed`);
  await expect(page.getByRole('alert')).toHaveText('This setup link is invalid or was already used.');
  await expect(page.getByText('Restart the server to print a new link.')).toBeVisible();
  await expect(page.getByRole('button', { name: 'Copy command for systemd' })).toBeVisible();
  await expect(page.getByRole('textbox')).toHaveCount(0);
  await expectFitForAll(page);

  await page.goto(server.setUpAddress);
  await page.getByLabel('Organisation').fill('acme');
  await page.getByLabel('Username').fill('founder');
  await page.getByLabel('Email').fill('founder@example.com');
  await page.getByLabel('Password').fill('too short');
  await page.getByRole('button', { name: 'Set up Forage' }).click();
  await expect(page.getByLabel('Password')).toHaveAccessibleDescription(/12 characters.*12/s);
  await expect(page.getByLabel('Password')).toBeFocused();
  await expect(page.getByLabel('Organisation')).toHaveValue('acme');
  // Markup is text in the fields and in their errors.
  for (const label of ['Organisation', 'Username', 'Password']) await page.getByLabel(label).fill(LINE);
  await page.getByRole('button', { name: 'Set up Forage' }).click();
  await expect(page.getByLabel('Organisation')).toHaveAccessibleDescription(/must|only|letters/i);
  expect(await injected(page)).toEqual([]);
  await page.goto(
    `${server.url}/set-up?problem=${encodeURIComponent(LINE)}&request=${encodeURIComponent(LINE)}`,
  );
  await expect(page.getByRole('alert')).toHaveText(/^Sign-in failed\./);
  expect(await injected(page)).toEqual([]);

  await page.goto(server.setUpAddress);
  await page.getByLabel('Organisation').fill('acme');
  await page.getByLabel('Username').fill('founder');
  await page.getByLabel('Email').fill('founder@example.com');
  await page.getByLabel('Password').fill(password);
  await page.getByRole('button', { name: 'Set up Forage' }).click();
  await expect(page).toHaveURL(`${server.url}/orgs/acme`);
  await expect(page.getByRole('region', { name: 'Getting started' })).toContainText('0 of 8');
  await expect(page.getByRole('button', { name: 'founder' })).toBeVisible();

  await page.goto(server.setUpAddress);
  await expect(page.getByRole('heading', { name: 'Already set up' })).toBeVisible();
});

test('opens a shared link after signing in', async ({ page, world }) => {
  const { artifact, address } = await world.gated();
  await page.goto(`${address}#policy-requirements`);
  await expect(page).toHaveURL(/\/sign-in\?next=/);
  await expect(page.getByText('Sign in to continue to a release of shop.', { exact: true })).toBeVisible();
  await fillSignIn(page, world.people.reviewer);
  await expect(page).toHaveURL(`${address}#policy-requirements`);
  await expect(page.getByRole('heading', { level: 1, name: artifact.context?.title ?? '' })).toBeVisible();
  await expect(page.getByRole('region', { name: 'Policy Requirements' })).toBeInViewport();
});

test('signs in by email', async ({ page, world }) => {
  const { reviewer } = world.people;
  await page.goto(`${world.url}/sign-in`);
  await fillSignIn(page, { username: `${reviewer.username}@example.com`, password: reviewer.password });
  await expect(page).toHaveURL(`${world.url}/`);
  await expect(page.getByRole('link', { name: world.organisation })).toBeVisible();
});

test('a wrong password shows an error and keeps the username', async ({ page, world }) => {
  const { username } = world.people.reviewer;
  await page.goto(`${world.url}/sign-in`);
  await fillSignIn(page, { username, password: 'not the password' });
  await expect(page.getByRole('alert')).toHaveText(/password/);
  await expect(page.getByLabel('Username or email')).toHaveValue(username);
  await expect(page).toHaveURL(/\/sign-in/);
});

test('limits sign-in attempts and counts down', async ({ page, world }) => {
  const { reviewer } = world.people;
  await page.clock.install();
  await page.goto(`${world.url}/sign-in`);
  const alert = page.getByRole('alert');
  for (let i = 0; i < 5; i++) {
    await fillSignIn(page, { username: reviewer.username, password: `not the password ${i}` });
    await expect(page.getByLabel('Password')).toHaveValue('');
    await expect(alert).toContainText('Wrong username');
  }
  await fillSignIn(page, reviewer);
  await expect(alert).toHaveText(/Too many failed attempts\. Try again in (2\d|30) seconds/);
  await expect(alert).toBeFocused();
  const timer = page.getByRole('timer');
  await expect(timer).toHaveText(/Try again in /);
  await expectFitForAll(page);
  await page.clock.fastForward(31_000);
  await expect(timer).toHaveText('You can try again now.');
  // The input is kept.
  await expect(page.getByLabel('Username or email')).toHaveValue(reviewer.username);
  await expect(page.getByLabel('Password')).toHaveValue(reviewer.password);
});

test('shows missing values at their fields and sends nothing', async ({ page, world }) => {
  await page.goto(`${world.url}/sign-in`);
  const requested: string[] = [];
  page.on('request', (request) => requested.push(request.url()));
  await page.getByRole('button', { name: 'Sign in' }).click();
  await expect(page.getByLabel('Username or email')).toBeFocused();
  await expect(page.getByLabel('Username or email')).toHaveAccessibleDescription(
    'Enter your username or email',
  );
  await expect(page.getByLabel('Password')).toHaveAccessibleDescription('Enter your password');
  expect(requested.filter((url) => url.includes('SignIn'))).toEqual([]);
});

test('signing out ends the session on the server', async ({ page, world }) => {
  const { reviewer } = world.people;
  await signIn(page, world.url, reviewer);
  const cookies = await page.context().cookies();
  expect(cookies.find(({ name }) => name === 'forage_session')).toMatchObject({ httpOnly: true });
  await page.goto(world.page());
  await page.getByRole('button', { name: reviewer.username }).click();
  await page.getByRole('button', { name: 'Sign out' }).click();
  await expect(page.getByRole('heading', { name: 'Sign in' })).toBeVisible();
  // The old cookie no longer works.
  await page.context().clearCookies();
  await page.context().addCookies(cookies);
  await page.goto(world.page());
  await expect(page.getByRole('heading', { name: 'Sign in' })).toBeVisible();
});

test('keeps the form when the session ends', async ({ page, world }) => {
  const { admin } = world.people;
  await signIn(page, world.url, admin);
  await page.goto(world.page('policies'));
  await expect(page.getByText('No deployment policies configured.')).toBeVisible();
  await page.getByLabel('Name', { exact: true }).fill('gate');
  await page.getByLabel('Type').selectOption({ label: 'Approval Required' });
  await page.getByLabel('Target environment').selectOption('production');
  await page.getByLabel('Required approvals').fill('3');
  await page.context().clearCookies();
  await page.getByRole('button', { name: 'Create Policy' }).click();
  await expect(page).toHaveURL(/\/sign-in\?next=/);
  await expect(
    page.getByText(
      'Your session ended. Sign in to continue to policies of shop. Your unsaved changes are kept.',
    ),
  ).toBeVisible();
  await expectFitForAll(page);

  await fillSignIn(page, admin);
  await expect(page).toHaveURL(world.page('policies'));
  await expect(page.getByLabel('Name', { exact: true })).toHaveValue('gate');
  await expect(page.getByLabel('Required approvals')).toHaveValue('3');
  await page.getByRole('button', { name: 'Create Policy' }).click();
  await expect(page.getByRole('listitem').filter({ hasText: 'gate' })).toContainText(
    'production · 3 approvals',
  );
});

test('keeps the comment of a vote when the session ends', async ({ world, browserOf }) => {
  const { reviewer } = world.people;
  const { address } = await world.gated();
  const page = await browserOf(reviewer);
  await page.goto(address);
  await page.getByLabel('Comment').fill('Read the diff twice.');
  // A poll detects it without user action.
  await page.context().clearCookies();
  await expect(page).toHaveURL(/\/sign-in\?next=/);
  await fillSignIn(page, reviewer);
  await expect(page).toHaveURL(address);
  await expect(page.getByLabel('Comment')).toHaveValue('Read the diff twice.');
});
