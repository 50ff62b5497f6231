import type { Page } from 'playwright/test';
import { apiAt, signedIn } from '../../scripts/api.ts';
import { expectFitForAll } from '../fit-for-all.ts';
import { consent, expect, password, someone, test } from '../oidc-fixtures.ts';

const signInWith = (page: Page, name: string) =>
  page.getByRole('link', { name: `Sign in with ${name}` }).click();
const signOut = async (page: Page, username: string) => {
  await page.goto(new URL('/', page.url()).href);
  await page.getByRole('button', { name: username, exact: true }).click();
  await page.getByRole('button', { name: 'Sign out', exact: true }).click();
  await expect(page.getByRole('heading', { name: 'Sign in' })).toBeVisible();
};
const cookieOf = async (page: Page) =>
  (await page.context().cookies()).find(({ name }) => name === 'forage_session');

test('the first sign-in with a provider joins an organisation by a rule, the next one finds the user', async ({
  page,
  browser,
  signInServer: { url, founder },
}) => {
  const organisation = someone('org');
  const domain = `${organisation}.example`;
  await founder.organisations.createOrganisation({ name: organisation });
  const admins = await browser.newContext({ baseURL: url });
  const admin = await admins.newPage();
  await admin.goto(`/sign-in?next=/orgs/${organisation}/members`);
  await admin.getByLabel('Username or email').fill('founder');
  await admin.getByLabel('Password').fill(password);
  await admin.getByRole('button', { name: 'Sign in', exact: true }).click();
  const rules = admin.getByRole('region', { name: 'Automatic membership' });
  await expect(rules.getByText('No automatic membership rules')).toBeVisible();
  await rules.getByRole('button', { name: 'Add join rule' }).click();
  await expect(rules.getByLabel('Email domain')).toHaveAccessibleDescription(/Enter a domain/);
  await rules.getByLabel('Email domain').fill('not a domain');
  await rules.getByRole('button', { name: 'Add join rule' }).click();
  await expect(rules.getByLabel('Email domain')).toHaveAccessibleDescription(/must be a domain/i);
  await rules.getByLabel('Email domain').fill(`@${domain.toUpperCase()}`);
  await rules.getByLabel('Provider').selectOption({ label: 'Acme accounts' });
  await rules.getByRole('button', { name: 'Add join rule' }).click();
  await expect(rules.getByRole('listitem')).toContainText([domain]);
  await expectFitForAll(admin);

  const login = `${someone()}@${domain}`;
  const [username = ''] = login.split('@');
  await page.goto(`${url}/orgs/${organisation}`);
  await expect(page).toHaveURL(/\/sign-in\?next=/);
  await signInWith(page, 'Acme accounts');
  await consent(page, login);
  await expect(page).toHaveURL(`${url}/orgs/${organisation}`);
  await expect(page.getByRole('heading', { level: 1, name: organisation })).toBeVisible();
  expect(await cookieOf(page)).toMatchObject({ httpOnly: true, sameSite: 'Lax' });
  await admin.reload();
  await expect(admin.getByRole('list', { name: 'Members' })).toContainText(username);

  // A user without a password sees no password form, and cannot disconnect the only provider.
  await page.goto(`${url}/account`);
  await expect(page.getByRole('list', { name: 'Sign-in providers' })).toContainText(login);
  await expect(page.getByLabel('Current password')).toHaveCount(0);
  await page.getByRole('button', { name: `Disconnect ${login} at Acme accounts` }).click();
  await page.getByRole('alertdialog').getByRole('button', { name: 'Disconnect' }).click();
  await expect(page.getByRole('alertdialog')).toContainText('only way to sign in');
  await page.getByRole('button', { name: 'Cancel' }).click();

  await signOut(page, username);
  await signInWith(page, 'Acme accounts');
  await expect(page.getByRole('link', { name: organisation })).toBeVisible();
  await expect(page.getByRole('button', { name: username })).toBeVisible();

  // A removed member does not rejoin by signing in, nor by a deleted rule.
  await admin.getByRole('button', { name: `Remove ${username}` }).click();
  await admin.getByRole('alertdialog').getByRole('button', { name: 'Remove' }).click();
  await expect(admin.getByRole('list', { name: 'Members' })).not.toContainText(username);
  await rules.getByRole('button', { name: `Delete rule for ${domain}` }).click();
  await admin.getByRole('alertdialog').getByRole('button', { name: 'Delete' }).click();
  await expect(rules.getByText('No automatic membership rules')).toBeVisible();
  await signOut(page, username);
  await signInWith(page, 'Acme accounts');
  await expect(page.getByRole('button', { name: username })).toBeVisible();
  await expect(page.getByRole('link', { name: organisation })).toHaveCount(0);
  await admins.close();
});

test('a refused sign-in shows the reason and the request id', async ({
  page,
  browser,
  signInServer: { url },
}) => {
  await page.goto(`${url}/sign-in?next=/orgs/first`);
  await signInWith(page, 'Strict');
  await consent(page, `${someone('eve')}@evil.example`);
  const alert = page.getByRole('alert');
  await expect(alert).toContainText('The domain of your email address at Strict is not allowed here');
  await expect(alert).toContainText(/Request ID [0-9a-f-]{36}/);
  await expect(page.getByText('Sign in to continue to first.')).toBeVisible();
  expect(await cookieOf(page)).toBeUndefined();
  await expectFitForAll(page);

  const context = await browser.newContext();
  const other = await context.newPage();
  await other.goto(`${url}/sign-in`);
  await signInWith(other, 'Strict');
  await consent(other, someone('unverified'));
  await expect(other.getByRole('alert')).toContainText('Strict has not verified your email address');
  expect(await cookieOf(other)).toBeUndefined();
  await context.close();
});

test('a cancelled sign-in returns to the choice', async ({ page, signInServer: { url } }) => {
  await page.goto(`${url}/sign-in`);
  await signInWith(page, 'Acme accounts');
  await page.getByRole('link', { name: 'Cancel' }).click();
  await expect(page.getByRole('alert')).toContainText('You cancelled the sign-in at Acme accounts');
  expect(await cookieOf(page)).toBeUndefined();
  const login = someone();
  await signInWith(page, 'Acme accounts');
  await consent(page, login);
  await expect(page.getByRole('button', { name: login })).toBeVisible();
});

test('rejects a callback that is reused or from another browser', async ({
  page,
  browser,
  signInServer: { url },
}) => {
  let callback = '';
  page.on('request', (request) => {
    if (request.url().includes('/auth/oidc/acme/callback')) callback = request.url();
  });
  const login = someone();
  await page.goto(`${url}/sign-in`);
  await signInWith(page, 'Acme accounts');
  await consent(page, login);
  await expect(page.getByRole('button', { name: login })).toBeVisible();
  expect(callback).toContain('code=');
  const context = await browser.newContext();
  const thief = await context.newPage();
  await thief.goto(callback);
  await expect(thief.getByRole('alert')).toContainText('was already used');
  expect(await cookieOf(thief)).toBeUndefined();
  await context.close();
});

test('does not take over a user by email address; the user connects the provider', async ({
  page,
  signInServer: { url },
}) => {
  const username = someone('grace');
  const email = `${username}@example.com`;
  await apiAt(url).users.register({ username, email, password });
  await page.goto(`${url}/sign-in`);
  await signInWith(page, 'Acme accounts');
  await consent(page, username);
  await expect(page.getByRole('alert')).toContainText('connect Acme accounts under Account');
  expect(await cookieOf(page)).toBeUndefined();

  await page.getByLabel('Username or email').fill(username);
  await page.getByLabel('Password').fill(password);
  await page.getByRole('button', { name: 'Sign in', exact: true }).click();
  await page.getByRole('button', { name: username, exact: true }).click();
  await page.getByRole('link', { name: 'Account' }).click();
  const providers = page.getByRole('region', { name: 'Sign-in providers' });
  await expect(providers.getByText('No accounts connected')).toBeVisible();
  await providers.getByRole('button', { name: 'Connect Acme accounts' }).click();
  await expect(page.getByRole('list', { name: 'Sign-in providers' })).toContainText(email);
  await expectFitForAll(page);

  await signOut(page, username);
  await signInWith(page, 'Acme accounts');
  await expect(page.getByRole('button', { name: username })).toBeVisible();
  await page.goto(`${url}/account`);
  await page.getByRole('button', { name: `Disconnect ${email} at Acme accounts` }).click();
  await page.getByRole('alertdialog').getByRole('button', { name: 'Disconnect' }).click();
  await expect(providers.getByText('No accounts connected')).toBeVisible();
  // The password still works.
  await signedIn(url, username, password);
});

test('without passwords, a provider is the only way to sign in, also at set-up', async ({
  page,
  passwordless: { url, setUpToken },
}) => {
  await page.goto(`${url}/set-up?token=${setUpToken}`);
  await expect(page.getByLabel('Password')).toHaveCount(0);
  await page.getByRole('button', { name: 'Set up with Acme accounts' }).click();
  await expect(page.getByLabel('Organisation')).toBeFocused();
  await page.getByLabel('Organisation').fill('acme');
  await expectFitForAll(page);
  await page.getByRole('button', { name: 'Set up with Acme accounts' }).click();
  await consent(page, 'ada');
  await expect(page.getByRole('heading', { level: 1, name: 'acme' })).toBeVisible();
  await expect(page.getByRole('region', { name: 'Getting started' })).toBeVisible();
  await page.goto(`${url}/orgs/acme/members`);
  await expect(page.getByRole('list', { name: 'Members' })).toContainText('ada');
  await expect(page.getByRole('button', { name: 'Make member: ada' })).toBeVisible();
  await page.goto(`${url}/account`);
  await expect(page.getByRole('region', { name: 'Sign-in providers' })).toBeVisible();
  await expect(page.getByLabel('Current password')).toHaveCount(0);

  await signOut(page, 'ada');
  await expect(page.getByLabel('Password')).toHaveCount(0);
  await expect(page.getByRole('button', { name: 'Sign in', exact: true })).toHaveCount(0);
  await page.goto(`${url}/set-up?token=${setUpToken}`);
  await expect(page.getByRole('heading', { name: 'Already set up' })).toBeVisible();
});
