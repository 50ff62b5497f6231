import { Code, ConnectError } from '@connectrpc/connect';
import type { Page } from 'playwright/test';
import { expectFitForAll } from '../fit-for-all.ts';
import { apiAt, expect, test, type World } from '../fixtures.ts';

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
  if (may !== undefined) await dialog.getByLabel('Permissions').selectOption(may);
  await dialog.getByRole('button', { name: 'Create token' }).click();
  const secret = await dialog.getByLabel(`Token “${name}” of ${of}`).inputValue();
  await expect(dialog.getByRole('button', { name: 'Copy token' })).toBeFocused();
  await expectFitForAll(page);
  await dialog.getByRole('button', { name: 'Done' }).click();
  return secret;
}

test('a CI job releases with a service account, and the author of the commit cannot approve', async ({
  world,
  browserOf,
}) => {
  const page = await browserOf(world.people.admin);
  await page.goto(address(world));
  await expect(section(page)).toContainText('No service accounts yet');
  await makeAccount(page, 'ci');
  await expect(account(page, 'ci')).toContainText('No tokens yet');
  const token = await makeToken(page, 'checkout', 'ci');
  expect(token).toMatch(/^forage_b_/);
  await expect(page.getByLabel('Token “checkout” of ci')).toHaveCount(0);
  const row = section(page).getByRole('list', { name: 'Tokens of ci' }).getByRole('listitem');
  await expect(row).toContainText('release');
  await expect(row).toContainText('never used');
  await expect(row).toContainText(/expires/);

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
  await expect(named.getByText(`${reviewer.username} (author)`)).toBeVisible();
  await expect(named.getByRole('button', { name: 'Approve', exact: true })).toHaveCount(0);
  await expect(
    named.getByText(`from anyone except ci (service account) or ${reviewer.username}`),
  ).toBeVisible();

  const other = await browserOf(reviewerTwo);
  await other.goto(world.page(`releases/${artifact?.slug}`));
  await other.getByRole('button', { name: 'Approve', exact: true }).click();
  await expect(other.getByText('Live', { exact: true }).first()).toBeVisible();
});

test('deletes tokens and accounts after confirmation, with immediate effect', async ({
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
      return 'authorised';
    } catch (error) {
      return Code[ConnectError.from(error).code];
    }
  };
  expect([await answer(first), await answer(second)]).toEqual(['authorised', 'authorised']);

  await page.getByRole('button', { name: 'Delete token first of ci' }).click();
  const question = page.getByRole('alertdialog');
  await expect(question).toContainText('Delete token "first"?');
  await question.getByRole('button', { name: 'Cancel' }).click();
  expect(await answer(first)).toBe('authorised');
  await page.getByRole('button', { name: 'Delete token first of ci' }).click();
  await question.getByRole('button', { name: 'Delete' }).click();
  // An open dialog makes the page inert.
  await expect(question).toBeHidden();
  await expect(page.getByRole('button', { name: 'Delete token first of ci' })).toHaveCount(0);
  expect([await answer(first), await answer(second)]).toEqual(['Unauthenticated', 'authorised']);

  await page.getByRole('button', { name: 'Delete ci', exact: true }).click();
  await expect(question).toContainText('Its tokens will be refused immediately.');
  await question.getByRole('button', { name: 'Delete' }).click();
  await expect(section(page)).toContainText('No service accounts yet');
  expect(await answer(second)).toBe('Unauthenticated');
});

test('shows invalid names at the field, and retries loading the list', async ({ world, browserOf }) => {
  const page = await browserOf(world.people.admin);
  await page.route(/ListServiceAccounts/, (route) => route.fulfill({ status: 500, body: 'no' }));
  await page.goto(address(world));
  await expect(section(page).getByRole('alert')).toContainText("Couldn't load service accounts");
  await page.unroute(/ListServiceAccounts/);
  // Another part of the page may have loaded the list first.
  await expect(async () => {
    const again = section(page).getByRole('button', { name: 'Try again' });
    if (await again.isVisible()) await again.click({ timeout: 1_000 });
    await expect(section(page).getByRole('alert')).toBeHidden({ timeout: 1_000 });
  }).toPass();
  await makeAccount(page, 'ci');
  await section(page).getByRole('button', { name: 'Create service account' }).click();
  const dialog = page.getByRole('dialog');
  await dialog.getByRole('button', { name: 'Create service account' }).click();
  await expect(dialog.getByLabel('Name')).toHaveAccessibleDescription(/Enter a name/);
  await dialog.getByLabel('Name').fill('ci');
  await dialog.getByRole('button', { name: 'Create service account' }).click();
  await expect(dialog.getByLabel('Name')).toHaveAccessibleDescription(/taken/);
  await dialog.getByLabel('Name').fill('two words');
  await dialog.getByRole('button', { name: 'Create service account' }).click();
  await expect(dialog.getByLabel('Name')).toHaveAccessibleDescription(/letters, digits/);
  await expect(dialog.getByLabel('Name')).toBeFocused();
  await expectFitForAll(page);
});

test('hides service accounts from members', async ({ world, browserOf }) => {
  const page = await browserOf(world.people.reviewer);
  await page.goto(address(world));
  await expect(page.getByText('can add members and change their roles')).toBeVisible();
  await expect(section(page)).toHaveCount(0);
});
