import type { Page } from 'playwright/test';
import { expectFitForAll } from '../fit-for-all.ts';
import { expect, test, type World } from '../fixtures.ts';

const list = (page: Page) => page.getByRole('list', { name: 'Members' });
const row = (page: Page, username: string) =>
  list(page)
    .getByRole('listitem')
    .filter({ has: page.getByText(username, { exact: true }) });
const address = ({ organisation }: World) => `/orgs/${organisation}/members`;

test('an admin adds a member by name or email, changes their role and removes them', async ({
  world,
  newcomer,
  browserOf,
}) => {
  const [byName, byEmail] = [await newcomer(), await newcomer()];
  const page = await browserOf(world.people.admin);
  await page.goto(address(world));
  await expect(list(page).getByRole('listitem')).toHaveCount(4);
  await expect(row(page, world.people.admin.username)).toContainText('admin');
  await expect(row(page, world.people.author.username)).toContainText('joined');
  await expectFitForAll(page);

  const field = page.getByLabel('Username or email');
  await page.getByRole('button', { name: 'Add member' }).click();
  await expect(field).toHaveAccessibleDescription(/Enter their username or email/);
  await field.fill(byName.username);
  await page.getByRole('button', { name: 'Add member' }).click();
  await expect(row(page, byName.username)).toContainText('member');
  await field.fill(`${byEmail.username}@example.com`);
  await page.getByLabel('Role').selectOption('admin');
  await page.getByRole('button', { name: 'Add member' }).click();
  await expect(row(page, byEmail.username)).toContainText('admin');
  await field.fill(byName.username);
  await page.getByRole('button', { name: 'Add member' }).click();
  await expect(field).toHaveAccessibleDescription(/already/);
  await expect(field).toHaveValue(byName.username);

  const question = page.getByRole('alertdialog');
  await row(page, byName.username).getByRole('button', { name: 'Make admin' }).click();
  await expect(question).toContainText(`Make ${byName.username} an admin?`);
  await question.getByRole('button', { name: 'Cancel' }).click();
  await expect(row(page, byName.username).getByRole('button', { name: 'Make admin' })).toBeVisible();
  await row(page, byName.username).getByRole('button', { name: 'Make admin' }).click();
  await question.getByRole('button', { name: 'Make admin' }).click();
  await expect(row(page, byName.username).getByRole('button', { name: 'Make member' })).toBeVisible();
  await row(page, byName.username).getByRole('button', { name: 'Remove' }).click();
  await expect(question).toContainText(`Remove ${byName.username} from ${world.organisation}?`);
  await question.getByRole('button', { name: 'Cancel' }).click();
  await expect(row(page, byName.username)).toBeVisible();
  await row(page, byName.username).getByRole('button', { name: 'Remove' }).click();
  await question.getByRole('button', { name: 'Remove' }).click();
  await expect(row(page, byName.username)).toHaveCount(0);
});

test('an admin says how long the files of builds are kept', async ({ world, browserOf }) => {
  const page = await browserOf(world.people.admin);
  await page.goto(address(world));
  const form = page.getByRole('form', { name: 'Files of builds' });
  const field = form.getByLabel('Days to keep files');
  await expect(field).toHaveValue('90');
  await field.fill('0');
  await form.getByRole('button', { name: 'Save Changes' }).click();
  await expect(field).toHaveAccessibleDescription(/Enter a whole number from 1 to 3650/);
  await field.fill('30');
  await form.getByRole('button', { name: 'Save Changes' }).click();
  await expect(page.getByText('Files of builds are kept for 30 days')).toBeAttached();
  await page.reload();
  await expect(field).toHaveValue('30');
  const member = await browserOf(world.people.author);
  await member.goto(address(world));
  await expect(list(member)).toBeVisible();
  await expect(member.getByRole('form', { name: 'Files of builds' })).toHaveCount(0);
});

test('an admin creates an unknown user, who can sign in', async ({ world, browserOf, browser }) => {
  const page = await browserOf(world.people.admin);
  await page.goto(address(world));
  const username = `fresh-${world.organisation}`;
  await page.getByLabel('Username or email').fill(username);
  await page.getByRole('button', { name: 'Add member' }).click();
  await expect(page.getByText(`There is no user ${username}.`)).toBeVisible();
  await expect(page.getByLabel('Username', { exact: true })).toHaveValue(username);
  await page.getByLabel('Email').fill('no address');
  await page.getByRole('button', { name: 'Create and add user' }).click();
  await expect(page.getByLabel('Email')).toHaveAccessibleDescription(/email/);
  await expect(page.getByLabel('Email')).toBeFocused();
  await page.getByLabel('Email').fill(`${username}@example.com`);
  const password = await page.getByLabel('First password').inputValue();
  await expectFitForAll(page);
  await page.getByRole('button', { name: 'Create and add user' }).click();
  await expect(row(page, username)).toContainText('member');
  await expect(page.getByText(password)).toBeVisible();
  await page.getByRole('button', { name: 'Done' }).click();
  await expect(page.getByText(password)).toHaveCount(0);

  const context = await browser.newContext();
  const own = await context.newPage();
  await own.goto(`${world.url}/sign-in`);
  await own.getByLabel('Username or email').fill(username);
  await own.getByLabel('Password').fill(password);
  await own.getByRole('button', { name: 'Sign in' }).click();
  await expect(own.getByRole('link', { name: world.organisation })).toBeVisible();
  await context.close();
});

test('refuses to remove the last admin', async ({ world, browserOf }) => {
  const { admin } = world.people;
  const page = await browserOf(admin);
  await page.goto(address(world));
  const own = row(page, admin.username);
  await own.getByRole('button', { name: 'Make member' }).click();
  const question = page.getByRole('alertdialog');
  await question.getByRole('button', { name: 'Make me a member' }).click();
  await expect(question.getByRole('alert')).toContainText('is the only admin');
  await question.getByRole('button', { name: 'Cancel' }).click();
  await expect(own.getByRole('button', { name: 'Remove' })).toHaveCount(0);
  await page.getByRole('button', { name: 'Leave organisation' }).click();
  await question.getByRole('button', { name: 'Leave' }).click();
  await expect(question.getByRole('alert')).toContainText('Make another member an admin first');
  await question.getByRole('button', { name: 'Cancel' }).click();
  await expect(own).toContainText('admin');
  await expectFitForAll(page);
});

test('an admin gives up the role and leaves', async ({ world, newcomer, browserOf }) => {
  const { admin } = world.people;
  const { api } = admin;
  const { organisation } = await api.organisations.getOrganisation({
    identifier: { case: 'name', value: world.organisation },
  });
  const second = await newcomer();
  const organisationId = organisation?.organisationId ?? '';
  await api.organisations.addMember({ organisationId, userId: second.userId, role: 'admin' });
  const page = await browserOf(second);
  await page.goto(address(world));
  await page.getByRole('button', { name: 'Leave organisation' }).click();
  await page.getByRole('alertdialog').getByRole('button', { name: 'Leave' }).click();
  await expect(page.getByText('No organisations yet')).toBeVisible();

  await api.organisations.addMember({ organisationId, userId: second.userId, role: 'admin' });
  await page.goto(address(world));
  await row(page, second.username).getByRole('button', { name: 'Make member' }).click();
  await page.getByRole('alertdialog').getByRole('button', { name: 'Make me a member' }).click();
  await expect(page.getByText('Only admins of')).toBeVisible();
  await expect(list(page).getByRole('button')).toHaveCount(0);
});

test('removing an admin lists the tokens that they created, and revokes them on request', async ({
  world,
  newcomer,
  browserOf,
}) => {
  const { api } = world.people.admin;
  const { organisation } = await api.organisations.getOrganisation({
    identifier: { case: 'name', value: world.organisation },
  });
  const organisationId = organisation?.organisationId ?? '';
  const maker = await newcomer();
  await api.organisations.addMember({ organisationId, userId: maker.userId, role: 'admin' });
  const { serviceAccounts } = maker.api;
  const { serviceAccount } = await serviceAccounts.createServiceAccount({ organisationId, name: 'ci' });
  const serviceAccountId = serviceAccount?.serviceAccountId ?? '';
  const account = { organisationId, serviceAccountId };
  await serviceAccounts.createServiceAccountToken({ ...account, name: 'deploy', scopes: ['release'] });

  const page = await browserOf(world.people.admin);
  await page.goto(address(world));
  const tokens = page.getByRole('list', { name: 'Tokens of ci' });
  await expect(tokens).toContainText(`by ${maker.username}`);
  await row(page, maker.username).getByRole('button', { name: 'Make member' }).click();
  const question = page.getByRole('alertdialog');
  await expect(question).toContainText(`Make ${maker.username} a member?`);
  await expect(question.getByRole('list')).toHaveText('deploy of ci');
  await question.getByRole('button', { name: 'Make member' }).click();
  await expect(row(page, maker.username).getByRole('button', { name: 'Make admin' })).toBeVisible();
  await expect(tokens).toContainText('deploy');

  await row(page, maker.username).getByRole('button', { name: 'Remove' }).click();
  await expect(question.getByRole('list')).toHaveText('deploy of ci');
  const revoke = question.getByRole('checkbox', { name: 'Revoke this token' });
  await expect(revoke).not.toBeChecked();
  await revoke.check();
  await question.getByRole('button', { name: 'Remove' }).click();
  await expect(row(page, maker.username)).toHaveCount(0);
  await expect(page.getByText('No tokens yet')).toBeVisible();
});

test('a member leaves an organisation after confirmation', async ({ world, newcomer, browserOf }) => {
  const { api } = world.people.admin;
  const { organisation } = await api.organisations.getOrganisation({
    identifier: { case: 'name', value: world.organisation },
  });
  const added = await newcomer();
  const organisationId = organisation?.organisationId ?? '';
  await api.organisations.addMember({ organisationId, userId: added.userId, role: 'member' });
  const page = await browserOf(added);
  await page.goto('/account');
  await page.getByRole('link', { name: world.organisation, exact: true }).click();
  await page.goto(address(world));
  const leave = page.getByRole('button', { name: 'Leave organisation' });
  await expect(row(page, added.username)).toBeVisible();
  await expectFitForAll(page);
  await leave.click();
  const question = page.getByRole('alertdialog');
  await expect(question).toContainText(`Leave ${world.organisation}?`);
  await expect(question).toContainText('stop counting');
  await question.getByRole('button', { name: 'Cancel' }).click();
  await expect(leave).toBeFocused();
  await expect(row(page, added.username)).toBeVisible();
  await leave.click();
  await question.getByRole('button', { name: 'Leave' }).click();
  await expect(page.getByText('No organisations yet')).toBeVisible();
  await expect(page.getByText(`You left ${world.organisation}`)).toBeVisible();
  await page.goto(address(world));
  await expect(page.getByRole('heading', { name: 'Page not found' })).toBeVisible();
  const { members } = await api.organisations.listMembers({ organisationId });
  expect(members.map(({ userId }) => userId)).not.toContain(added.userId);

  const record = await browserOf(world.people.admin);
  await record.goto(`/orgs/${world.organisation}/history`);
  const { username } = added;
  await expect(record.getByText(`${username} removed member ${username}`, { exact: true })).toBeVisible();
});

test('shows members the list without controls, and retries loading it', async ({ world, browserOf }) => {
  const page = await browserOf(world.people.reviewer);
  await page.route(/ListMembers/, (route) => route.fulfill({ status: 500, body: 'no' }));
  await page.goto(address(world));
  await expect(page.getByRole('alert')).toContainText("Couldn't load members");
  await page.unroute(/ListMembers/);
  await page.getByRole('button', { name: 'Try again' }).click();
  await expect(list(page).getByRole('listitem')).toHaveCount(4);
  await expect(list(page).getByRole('button')).toHaveCount(0);
  await expect(page.getByRole('region', { name: 'Add member' })).toHaveCount(0);
});
