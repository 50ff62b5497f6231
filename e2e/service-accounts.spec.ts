import { Code, ConnectError } from '@connectrpc/connect';
import type { Page } from 'playwright/test';
import { expectFitForAll } from './fit-for-all.ts';
import { apiAt, expect, test, type World } from './fixtures.ts';

const section = (page: Page) => page.getByRole('region', { name: 'Service accounts' });
const account = (page: Page, name: string) =>
  section(page)
    .getByRole('list', { name: 'Service accounts' })
    .getByRole('listitem')
    .filter({ has: page.getByRole('button', { name: `Delete ${name}`, exact: true }) });
const address = ({ organisation }: World) => `/orgs/${organisation}/members`;

async function makeAccount(page: Page, name: string): Promise<void> {
  await section(page).getByRole('button', { name: 'Create service account' }).click();
  const dialog = page.getByRole('dialog');
  await dialog.getByLabel('Name').fill(name);
  await dialog.getByRole('button', { name: 'Create service account' }).click();
  await expect(dialog).toHaveCount(0);
}

async function makeToken(page: Page, name: string, of: string, may?: string): Promise<string> {
  await account(page, of)
    .getByRole('button', { name: `Create token for ${of}` })
    .click();
  const dialog = page.getByRole('dialog');
  await dialog.getByLabel('Name').fill(name);
  if (may !== undefined) await dialog.getByLabel('May').selectOption(may);
  await dialog.getByRole('button', { name: 'Create token' }).click();
  return page.getByLabel(`Token “${name}” of ${of}`).inputValue();
}

test('an admin makes an account and its token, a pipeline releases by it, and whoever made the commit cannot approve', async ({
  world,
  browserOf,
}) => {
  const page = await browserOf(world.people.admin);
  await page.goto(address(world));
  await expect(section(page)).toContainText('No service accounts.');
  await makeAccount(page, 'ci');
  await expect(account(page, 'ci')).toContainText('No tokens.');
  const token = await makeToken(page, 'checkout', 'ci');
  expect(token).toMatch(/^forage_b_/);
  await expectFitForAll(page);
  await page.getByRole('button', { name: 'I have copied it' }).click();
  await expect(page.getByLabel('Token “checkout” of ci')).toHaveCount(0);
  const row = section(page).getByRole('list', { name: 'Tokens of ci' }).getByRole('listitem');
  await expect(row).toContainText('release');
  await expect(row).toContainText('never used');
  await expect(row).toContainText(/ends/);

  await world.requireApprovals('production', 1);
  const pipeline = apiAt(world.url, token);
  const { reviewer, reviewerTwo } = world.people;
  const { artifact } = await pipeline.releases.annotateRelease({
    project: world.project,
    source: { user: reviewer.username, sourceType: 'ci' },
    context: { title: 'Round totals half up' },
    ref: { commitSha: '5f0c1d2e3b4a59687786a5b4c3d2e1f001234567', branch: 'main' },
  });
  await pipeline.releases.release({
    artifactId: artifact?.artifactId ?? '',
    environments: ['production'],
  });
  await page.reload();
  await expect(row).toContainText('used');

  const named = await browserOf(reviewer);
  await named.goto(world.page(`releases/${artifact?.slug}`));
  await expect(named.getByText(`${reviewer.username} (author), ci`)).toBeVisible();
  await expect(named.getByRole('button', { name: 'Approve', exact: true })).toHaveCount(0);
  await expect(named.getByText(`from anyone but ci (service account) or ${reviewer.username}`)).toBeVisible();

  const other = await browserOf(reviewerTwo);
  await other.goto(world.page(`releases/${artifact?.slug}`));
  await other.getByRole('button', { name: 'Approve', exact: true }).click();
  await expect(other.getByText('Deployed').first()).toBeVisible();
});

test('a token that is deleted, or whose account is, is refused at once; a question is asked first', async ({
  world,
  browserOf,
}) => {
  const page = await browserOf(world.people.admin);
  await page.goto(address(world));
  await makeAccount(page, 'ci');
  const first = await makeToken(page, 'first', 'ci');
  const second = await makeToken(page, 'second', 'ci', 'Read only');
  const answer = async (token: string) => {
    const { organisation } = world;
    try {
      await apiAt(world.url, token).organisations.getOrganisation({
        identifier: { case: 'name', value: organisation },
      });
      return 'let in';
    } catch (error) {
      return Code[ConnectError.from(error).code];
    }
  };
  expect([await answer(first), await answer(second)]).toEqual(['let in', 'let in']);

  await page.getByRole('button', { name: 'Delete token first of ci' }).click();
  const question = page.getByRole('alertdialog');
  await expect(question).toContainText('Delete token "first"?');
  await question.getByRole('button', { name: 'Cancel' }).click();
  expect(await answer(first)).toBe('let in');
  await page.getByRole('button', { name: 'Delete token first of ci' }).click();
  await question.getByRole('button', { name: 'Delete' }).click();
  // While it is open nothing behind it can be found.
  await expect(question).toBeHidden();
  await expect(page.getByRole('button', { name: 'Delete token first of ci' })).toHaveCount(0);
  expect([await answer(first), await answer(second)]).toEqual(['Unauthenticated', 'let in']);

  await page.getByRole('button', { name: 'Delete ci', exact: true }).click();
  await expect(question).toContainText('Its tokens are refused at once.');
  await question.getByRole('button', { name: 'Delete' }).click();
  await expect(section(page)).toContainText('No service accounts.');
  expect(await answer(second)).toBe('Unauthenticated');
});

test('names that are taken or not allowed are told at the field; a failed list is tried again', async ({
  world,
  browserOf,
}) => {
  const page = await browserOf(world.people.admin);
  await page.route(/ListServiceAccounts/, (route) => route.fulfill({ status: 500, body: 'no' }));
  await page.goto(address(world));
  await expect(section(page).getByRole('alert')).toContainText('The service accounts could not be loaded.');
  await page.unroute(/ListServiceAccounts/);
  await section(page).getByRole('button', { name: 'Try again' }).click();
  await makeAccount(page, 'ci');
  await section(page).getByRole('button', { name: 'Create service account' }).click();
  const dialog = page.getByRole('dialog');
  await dialog.getByRole('button', { name: 'Create service account' }).click();
  await expect(dialog.getByLabel('Name')).toHaveAccessibleDescription(/Name is missing/);
  await dialog.getByLabel('Name').fill('ci');
  await dialog.getByRole('button', { name: 'Create service account' }).click();
  await expect(dialog.getByLabel('Name')).toHaveAccessibleDescription(/taken/);
  await dialog.getByLabel('Name').fill('two words');
  await dialog.getByRole('button', { name: 'Create service account' }).click();
  await expect(dialog.getByLabel('Name')).toHaveAccessibleDescription(/letters, digits/);
  await expect(dialog.getByLabel('Name')).toBeFocused();
  await expectFitForAll(page);
});

test('members are shown nothing of service accounts', async ({ world, browserOf }) => {
  const page = await browserOf(world.people.reviewer);
  await page.goto(address(world));
  await expect(page.getByText('add members and change their roles')).toBeVisible();
  await expect(section(page)).toHaveCount(0);
});
