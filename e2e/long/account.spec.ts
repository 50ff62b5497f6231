import type { Page } from 'playwright/test';
import { apiAt } from '../../scripts/api.ts';
import { expectFitForAll } from '../fit-for-all.ts';
import { expect, password, test } from '../fixtures.ts';
import { overhang } from '../page-faults.ts';

const tokens = (page: Page) => page.getByRole('region', { name: 'Access tokens' });
const sessions = (page: Page) => page.getByRole('region', { name: 'Sessions' });
const dialog = (page: Page) => page.getByRole('dialog');

test('the profile shows the user and their organisations', async ({ world, browserOf }) => {
  const { reviewer } = world.people;
  const page = await browserOf(reviewer);
  await page.goto('/account');
  const profile = page.getByRole('region', { name: 'Profile' });
  await expect(profile).toContainText(reviewer.username);
  await expect(profile).toContainText(`${reviewer.username}@example.com`);
  await expect(profile).toContainText(`${world.organisation} (member)`);
  await expectFitForAll(page);
});

test('commit addresses are added, validated and removed', async ({ world, browserOf }) => {
  const page = await browserOf(world.people.reviewer);
  await page.goto('/account');
  const section = page.getByRole('region', { name: 'Commit addresses' });
  await expect(section).toContainText('No commit addresses yet');
  const field = section.getByLabel('Address', { exact: true });
  const add = section.getByRole('button', { name: 'Add address' });
  await add.click();
  await expect(field).toHaveAccessibleDescription(/Enter an address/);
  await field.fill('not an address');
  await add.click();
  await expect(field).toHaveAccessibleDescription(/Must be a valid email address/);
  await field.fill('12+me@users.noreply.github.com');
  await add.click();
  await expect(section.getByRole('listitem')).toHaveText([/12\+me@users\.noreply\.github\.com/]);
  await expect(field).toHaveValue('');
  await expectFitForAll(page);
  await section.getByRole('button', { name: 'Remove 12+me@users.noreply.github.com' }).click();
  await expect(section).toContainText('No commit addresses yet');
});

test('changing the password ends other sessions and the old password', async ({ world, browserOf }) => {
  const { reviewer } = world.people;
  const page = await browserOf(reviewer);
  const elsewhere = await browserOf(reviewer);
  await page.goto('/account');
  const form = page.getByRole('form', { name: 'Change password' });
  const [current, next, again] = ['Current password', 'New password', 'Confirm new password'].map((label) =>
    form.getByLabel(label, { exact: true }),
  );
  if (!current || !next || !again) throw new Error('unreachable');
  const change = form.getByRole('button', { name: 'Change password' });
  await change.click();
  await expect(current).toHaveAccessibleDescription(/Enter the current password/);
  await expect(current).toBeFocused();
  await current.fill('not my password');
  await next.fill('short');
  await again.fill('shorter');
  await change.click();
  await expect(again).toHaveAccessibleDescription(/do not match/);
  await again.fill('short');
  await change.click();
  await expect(next).toHaveAccessibleDescription(/12 to 256 characters/);
  const fresh = 'a completely other staple';
  await next.fill(fresh);
  await again.fill(fresh);
  await change.click();
  await expect(current).toHaveAccessibleDescription(/not your current password/);
  await expect(next).toHaveValue(fresh);
  await expectFitForAll(page);
  await current.fill(password);
  for (const field of [next, again]) await field.fill('Administrator1');
  await change.click();
  await expect(next).toHaveAccessibleDescription(/must not be a common password/i);
  for (const field of [next, again]) await field.fill(fresh);
  await change.click();
  await expect(page.getByText('Password changed.')).toBeVisible();
  await expect(current).toHaveValue('');

  await expect(sessions(page).getByRole('listitem')).toHaveCount(1);
  // Writes work with the new cookie.
  await page.getByRole('region', { name: 'Sessions' }).getByRole('button', { name: 'everywhere' }).click();
  await page.getByRole('alertdialog').getByRole('button', { name: 'Everywhere else' }).click();
  await expect(page.getByText('Signed out everywhere else', { exact: true })).toBeVisible();

  // This session stays signed in; the other one does not.
  await page.reload();
  await expect(page.getByRole('heading', { level: 1, name: 'Account' })).toBeVisible();
  await elsewhere.goto('/account');
  await expect(elsewhere.getByRole('heading', { name: 'Sign in' })).toBeVisible();
  const { users } = apiAt(world.url);
  const identifier = { case: 'username', value: reviewer.username } as const;
  await expect(users.login({ identifier, password })).rejects.toThrow();
  expect((await users.login({ identifier, password: fresh })).user?.username).toBe(reviewer.username);
});

test('a token is created, shown once, used, and deleted after confirmation', async ({ world, browserOf }) => {
  const page = await browserOf(world.people.reviewer);
  await page.goto('/account');
  await expect(tokens(page)).toContainText('No access tokens yet');
  await tokens(page).getByRole('button', { name: 'Create token' }).click();
  await dialog(page).getByRole('button', { name: 'Create token' }).click();
  await expect(dialog(page).getByLabel('Name')).toHaveAccessibleDescription(/Enter what the token is for/);
  await dialog(page).getByLabel('Name').fill('CI of shop');
  await dialog(page).getByLabel('read').uncheck();
  await dialog(page).getByLabel('release').uncheck();
  await dialog(page).getByRole('button', { name: 'Create token' }).click();
  await expect(dialog(page).getByRole('group', { name: 'Scopes' })).toContainText(
    'Select at least one scope',
  );
  await dialog(page).getByLabel('read').check();
  await dialog(page).getByLabel('Expires after').selectOption('30 days');
  await expectFitForAll(page);
  await dialog(page).getByRole('button', { name: 'Create token' }).click();

  const secret = dialog(page).getByLabel('Token “CI of shop”');
  await expect(secret).toBeVisible();
  await expect(dialog(page).getByRole('button', { name: 'Copy token' })).toBeFocused();
  // A click outside does not lose it.
  await page.mouse.click(5, 5);
  await expect(secret).toBeVisible();
  await expectFitForAll(page);
  const asToken = apiAt(world.url, await secret.inputValue());
  const { users, releases } = asToken;
  await releases.getProject(world.project);
  const build = {
    project: world.project,
    context: { title: 'x' },
    ref: { commitSha: '5f0c1d2e', branch: 'main' },
  };
  await expect(releases.annotateRelease(build)).rejects.toThrow(/scope/);
  const listed = tokens(page).getByRole('listitem').filter({ hasText: 'CI of shop' });
  await dialog(page).getByRole('button', { name: 'Done' }).click();
  await expect(dialog(page)).toHaveCount(0);
  await expect(tokens(page).getByRole('button', { name: 'Create token' })).toBeFocused();
  await expect(listed).toContainText('read');
  await expect(listed).toContainText('never used');
  await page.reload();
  await expect(listed).toContainText(/used (just now|in less than a minute)/);
  await expect(listed).toContainText(/expires \d+ \S+ \d{4}/);
  await expect(secret).toHaveCount(0);

  await listed.getByRole('button', { name: 'Delete' }).click();
  const question = page.getByRole('alertdialog');
  await expect(question).toContainText('Delete access token "CI of shop"?');
  await page.keyboard.press('Escape');
  await users.tokenInfo({});
  await listed.getByRole('button', { name: 'Delete' }).click();
  await question.getByRole('button', { name: 'Delete' }).click();
  await expect(tokens(page)).toContainText('No access tokens yet');
  await expect(users.tokenInfo({})).rejects.toThrow();
});

test('retries loading tokens', async ({ world, browserOf }) => {
  const page = await browserOf(world.people.reviewer);
  await page.route(/ListPersonalAccessTokens/, (route) => route.fulfill({ status: 500, body: 'no' }));
  await page.goto('/account');
  await expect(tokens(page).getByRole('alert')).toContainText("Couldn't load access tokens");
  await page.unroute(/ListPersonalAccessTokens/);
  await tokens(page).getByRole('button', { name: 'Try again' }).click();
  await expect(tokens(page)).toContainText('No access tokens yet');
});

test('lists sessions and signs them out', async ({ world, browserOf }) => {
  const { reviewer } = world.people;
  const page = await browserOf(reviewer);
  const elsewhere = await browserOf(reviewer);
  await page.goto('/account');
  const rows = sessions(page).getByRole('listitem');
  // Two browsers, and the API client that created the user.
  await expect(rows).toHaveCount(3);
  const here = rows.filter({ hasText: 'this browser' });
  await expect(here).toHaveCount(1);
  await expect(here).toContainText('Chrome on Linux');
  await expect(here).toContainText('from 127.0.0.1');
  await expect(here).toContainText(/signed in (just now|in less than a minute|\d+ minute)/);
  await expect(here).toContainText(/expires (\w{3} )?\d\d:\d\d if not used/);
  await expect(rows.filter({ hasText: 'API client' })).toHaveCount(1);
  await expectFitForAll(page);

  const other = rows.filter({ hasText: 'Chrome on Linux' }).filter({ hasNotText: 'this browser' });
  await other.getByRole('button', { name: /^Sign out Chrome on Linux$/ }).focus();
  await page.keyboard.press('Enter');
  await expect(rows).toHaveCount(2);
  await expect(page.getByText('Chrome on Linux was signed out')).toBeVisible();
  await elsewhere.goto('/account');
  await expect(elsewhere.getByRole('heading', { name: 'Sign in' })).toBeVisible();
  await here.getByRole('button', { name: 'Sign out' }).click();
  await expect(page.getByRole('heading', { name: 'Sign in' })).toBeVisible();
});

test('signs out everywhere after confirmation', async ({ world, browserOf }) => {
  const { reviewer } = world.people;
  const page = await browserOf(reviewer);
  await page.goto('/account');
  await expect(sessions(page).getByRole('listitem')).toHaveCount(2);
  await sessions(page).getByRole('button', { name: 'Sign out everywhere' }).click();
  const question = page.getByRole('alertdialog');
  await expect(question).toContainText('Access tokens keep working');
  await page.setViewportSize({ width: 320, height: 640 });
  expect(await overhang(page)).toBeLessThanOrEqual(0);
  await expect(question.getByRole('button', { name: 'Cancel' })).toBeFocused();
  await page.keyboard.press('Escape');
  await expect(sessions(page).getByRole('listitem')).toHaveCount(2);
  await reviewer.api.users.tokenInfo({});
  await sessions(page).getByRole('button', { name: 'Sign out everywhere' }).click();
  await question.getByRole('button', { name: 'Everywhere', exact: true }).click();
  await expect(page.getByRole('heading', { name: 'Sign in' })).toBeVisible();
  await expect(reviewer.api.users.tokenInfo({})).rejects.toThrow();
});

test('reports sessions that cannot be loaded or signed out', async ({ world, browserOf }) => {
  const page = await browserOf(world.people.reviewer);
  await page.route(/ListSessions/, (route) => route.fulfill({ status: 500, body: 'no' }));
  await page.goto('/account');
  await expect(sessions(page).getByRole('alert')).toContainText("Couldn't load sessions");
  await page.unroute(/ListSessions/);
  await sessions(page).getByRole('button', { name: 'Try again' }).click();
  const rows = sessions(page).getByRole('listitem');
  await expect(rows).toHaveCount(2);
  await page.route(/EndSession/, (route) => route.fulfill({ status: 500, body: 'no' }));
  await rows.filter({ hasText: 'API client' }).getByRole('button').click();
  await expect(sessions(page).getByRole('alert')).toContainText("Couldn't sign out.");
  await expect(rows).toHaveCount(2);
});
