import type { Page } from 'playwright/test';
import { expectFitForAll } from './fit-for-all.ts';
import { expect, test } from './fixtures.ts';
import { expectNoFaults, overhang } from './page-faults.ts';

const row = (page: Page, name: string) =>
  page.getByRole('list', { name: 'Policies for' }).getByRole('listitem').filter({ hasText: name });

interface PolicyCase {
  readonly type: string;
  readonly name: string;
  readonly create: (page: Page) => Promise<void>;
  readonly details: string;
  readonly edit: (page: Page) => Promise<void>;
  readonly edited: string;
}

const cases: readonly PolicyCase[] = [
  {
    type: 'Soak Time',
    name: 'soak-in-staging',
    create: async (page) => {
      await page.getByLabel('Source environment').selectOption('staging');
      await page.getByLabel('Target environment').selectOption('production');
      await page.getByLabel('Soak duration').fill('30m');
      await expect(page.getByText('30 minutes', { exact: true })).toBeVisible();
    },
    details: 'staging → production · 30m',
    edit: (page) => page.getByLabel('Soak duration').fill('5400'),
    edited: 'staging → production · 1h 30m',
  },
  {
    type: 'Branch Restriction',
    name: 'main-only',
    create: async (page) => {
      await page.getByLabel('Target environment').selectOption('production');
      await page.getByLabel('Branch pattern').fill('^main$');
      await page.getByLabel('Try a branch').fill('main');
      await expect(page.getByText('“main” would pass')).toBeVisible();
      await page.getByLabel('Try a branch').fill('mainly');
      await expect(page.getByText('“mainly” would be blocked')).toBeVisible();
    },
    details: '^main$ → production',
    edit: (page) => page.getByLabel('Branch pattern').fill('^(main|release/.*)$'),
    edited: '^(main|release/.*)$ → production',
  },
  {
    type: 'Approval Required',
    name: 'four-eyes',
    create: async (page) => {
      await page.getByLabel('Target environment').selectOption('production');
      await page.getByLabel('Required approvals').fill('2');
    },
    details: 'production · 2 approvals',
    edit: (page) => page.getByLabel('Required approvals').fill('1'),
    edited: 'production · 1 approval',
  },
];

for (const policyCase of cases) {
  test(`${policyCase.type}: created, edited, disabled, enabled, deleted`, async ({ world, browserOf }) => {
    const { admin } = world.people;
    const page = await browserOf(admin);
    await page.goto(world.page('policies'));
    await expect(page.getByRole('heading', { name: 'Deployment Policies' })).toBeVisible();
    await expect(page.getByText('No deployment policies configured.')).toBeVisible();

    await page.getByLabel('Name', { exact: true }).fill(policyCase.name);
    await page.getByLabel('Type').selectOption({ label: policyCase.type });
    await policyCase.create(page);
    await page.getByRole('button', { name: 'Create Policy' }).click();
    const policy = row(page, policyCase.name);
    await expect(policy).toContainText(policyCase.type);
    await expect(policy).toContainText(policyCase.details);
    await expect(policy).toContainText('Enabled');
    // The form is ready for the next one.
    await expect(page.getByLabel('Name', { exact: true })).toHaveValue('');

    await policy.getByRole('link', { name: 'Edit' }).click();
    await expect(page).toHaveURL(world.page(`policies/${policyCase.name}`));
    await expect(page.getByRole('heading', { level: 1, name: policyCase.name })).toBeVisible();
    await expect(page.getByRole('form').getByText(policyCase.type, { exact: true })).toBeVisible();
    await policyCase.edit(page);
    await page.getByRole('button', { name: 'Save Changes' }).click();
    await expect(page).toHaveURL(world.page('policies'));
    await expect(policy).toContainText(policyCase.edited);

    await policy.getByRole('button', { name: 'Disable' }).click();
    await expect(policy).toContainText('Disabled');
    await policy.getByRole('button', { name: 'Enable' }).click();
    await expect(policy).toContainText('Enabled');
    await expect(policy.getByRole('button', { name: 'Disable' })).toBeVisible();
    // The server agrees with the screen.
    const listed = await admin.api.policies.listPolicies({ project: world.project });
    expect(listed.policies.map(({ name, enabled }) => ({ name, enabled }))).toEqual([
      { name: policyCase.name, enabled: true },
    ]);

    await policy.getByRole('button', { name: 'Delete' }).click();
    const question = page.getByRole('alertdialog', { name: `Delete policy "${policyCase.name}"?` });
    await question.getByRole('button', { name: 'Cancel' }).click();
    await expect(question).toBeHidden();
    await expect(policy.getByRole('button', { name: 'Delete' })).toBeFocused();
    await policy.getByRole('button', { name: 'Delete' }).click();
    await question.getByRole('button', { name: 'Delete policy' }).click();
    await expect(page.getByText('No deployment policies configured.')).toBeVisible();
    expect((await admin.api.policies.listPolicies({ project: world.project })).policies).toEqual([]);
  });
}

test('shows problems at their fields and keeps the input', async ({ world, browserOf }) => {
  await world.requireApprovals('production', 1, 'taken');
  const page = await browserOf(world.people.admin);
  await page.goto(world.page('policies'));
  const name = page.getByLabel('Name', { exact: true });
  const create = page.getByRole('button', { name: 'Create Policy' });

  await create.click();
  await expect(name).toBeFocused();
  await expect(page.getByLabel('Type')).toHaveAccessibleDescription(/Choose a type/);
  await page.getByLabel('Type').selectOption({ label: 'Soak Time' });
  await page.getByLabel('Source environment').selectOption('staging');
  await page.getByLabel('Target environment').selectOption('staging');
  await page.getByLabel('Soak duration').fill('soon');
  await create.click();
  await expect(name).toBeFocused();
  for (const label of ['Name', 'Source environment', 'Soak duration']) {
    await expect(page.getByLabel(label, { exact: true })).toHaveAttribute('aria-invalid', 'true');
  }
  await expect(page.getByText('Source and target environment must differ')).toBeVisible();
  await expect(page.getByLabel('Soak duration')).toHaveValue('soon');

  await page.getByLabel('Type').selectOption({ label: 'Branch Restriction' });
  await name.fill('from-main');
  await page.getByLabel('Target environment').selectOption('production');
  await page.getByLabel('Branch pattern').fill('(main');
  await create.click();
  await expect(page.getByLabel('Branch pattern')).toBeFocused();
  await expect(page.getByLabel('Branch pattern')).toHaveAttribute('aria-invalid', 'true');

  // Only the server knows taken names.
  await name.fill('taken');
  await page.getByLabel('Branch pattern').fill('^main$');
  await create.click();
  await expect(name).toBeFocused();
  await expect(name).toHaveAccessibleDescription('A policy with this name already exists in this project');
  await expect(page.getByLabel('Branch pattern')).toHaveValue('^main$');
});

test('Cancel closes the editor without a change', async ({ world, browserOf }) => {
  await world.requireApprovals('production', 2, 'four-eyes');
  const page = await browserOf(world.people.admin);
  await page.goto(world.page('policies/four-eyes'));
  await page.getByLabel('Required approvals').fill('9');
  await page.getByRole('button', { name: 'Cancel' }).click();
  await expect(page).toHaveURL(world.page('policies'));
  await expect(row(page, 'four-eyes')).toContainText('production · 2 approvals');
});

test('shows members policies without controls', async ({ world, browserOf }) => {
  await world.requireApprovals('production', 2, 'four-eyes');
  const page = await browserOf(world.people.reviewer);
  await page.goto(world.page('policies'));
  await expect(row(page, 'four-eyes')).toContainText('production · 2 approvals');
  for (const name of ['Disable', 'Delete', 'Create Policy']) {
    await expect(page.getByRole('button', { name })).toHaveCount(0);
  }
  await expect(page.getByRole('link', { name: 'Edit' })).toHaveCount(0);
});

test('shows members what a policy does, and that admins can change it', async ({ world, browserOf }) => {
  await world.requireApprovals('production', 2, 'four-eyes');
  const page = await browserOf(world.people.reviewer);
  const sentence =
    'Before a release is deployed to production, 2 members other than the author must approve.';
  await page.goto(world.page('policies'));
  await expect(row(page, 'four-eyes')).toContainText(sentence);
  await page.goto(world.page('policies/four-eyes'));
  await expect(page.getByText(sentence)).toBeVisible();
  await expect(page.getByText('Admins can change this policy.')).toBeVisible();
  await expect(page.getByRole('form')).toHaveCount(0);
});

test('groups policies by environment in their order, and names those without', async ({
  world,
  browserOf,
}) => {
  await world.requireApprovals('production', 1, 'a-late-one');
  const page = await browserOf(world.people.admin);
  await page.goto(world.page('policies'));
  await expect(page.getByText('No policy guards staging.')).toBeVisible();
  await world.requireApprovals('staging', 1, 'b-early-one');
  await page.reload();
  await expect(page.getByRole('heading', { level: 2 })).toHaveText(['staging', 'production', 'New policy']);
  await expect(page.getByText('No policy guards')).toHaveCount(0);
  await page.getByRole('button', { name: 'New policy' }).click();
  await expect(page.getByLabel('Name', { exact: true })).toBeFocused();
});

test('an edit page says who changed the policy, and disables and deletes it', async ({
  world,
  browserOf,
}) => {
  const { admin } = world.people;
  await world.requireApprovals('production', 1, 'four-eyes');
  const page = await browserOf(admin);
  await page.goto(world.page('policies/four-eyes'));
  const policy = page.getByRole('region', { name: 'Policy', exact: true });
  await expect(policy).toContainText(`Changed by ${admin.username}`);
  await page.getByRole('button', { name: 'Save Changes' }).click();
  await expect(page.getByText('No changes')).toBeVisible();
  await policy.getByRole('button', { name: 'Disable' }).click();
  await expect(policy.getByRole('button', { name: 'Enable' })).toBeVisible();
  await page.getByRole('button', { name: 'Undo' }).click();
  await expect(policy.getByRole('button', { name: 'Disable' })).toBeVisible();
  await policy.getByRole('link', { name: 'History' }).click();
  await expect(page.getByRole('list', { name: /^History/ }).getByRole('listitem')).toHaveCount(3);
  await page.goBack();
  await policy.getByRole('button', { name: 'Delete…' }).click();
  await page.getByRole('button', { name: 'Delete policy' }).click();
  await expect(page).toHaveURL(world.page('policies'));
  await expect(page.getByText('No deployment policies configured.')).toBeVisible();
});

test('policies on a phone have a menu, and everything is accessible', async ({ world, browserOf }) => {
  await world.requireApprovals('production', 2, 'four-eyes');
  for (const colorScheme of ['light', 'dark'] as const) {
    const viewport = { width: 390, height: 844 };
    const page = await browserOf(world.people.admin, { colorScheme, viewport, reducedMotion: 'reduce' });
    await page.goto(world.page('policies'));
    await expect(row(page, 'four-eyes').getByRole('link', { name: 'Edit' })).toBeHidden();
    await page.getByRole('button', { name: 'Actions for four-eyes' }).click();
    const box = await row(page, 'four-eyes').getByRole('button', { name: 'Delete' }).boundingBox();
    expect(box?.height).toBeGreaterThanOrEqual(44);
    await expectNoFaults(page, colorScheme);
    await page.keyboard.press('Escape');
    await expect(row(page, 'four-eyes').getByRole('button', { name: 'Delete' })).toBeHidden();
    for (const path of ['policies', 'policies/four-eyes']) {
      await page.goto(world.page(path));
      await expect(page.getByRole('form')).toBeVisible();
      for (const width of [1280, 390, 320]) {
        await page.setViewportSize({ width, height: 844 });
        await expectNoFaults(page, colorScheme);
        expect(await overhang(page)).toBeLessThanOrEqual(0);
      }
      await page.setViewportSize(viewport);
    }
  }
});

test('refuses a former admin', async ({ world, browserOf }) => {
  const { admin, reviewer } = world.people;
  await world.requireApprovals('production', 2, 'four-eyes');
  const page = await browserOf(admin);
  await page.goto(world.page('policies'));
  await expect(row(page, 'four-eyes')).toBeVisible();
  const { organisations } = await admin.api.organisations.listMyOrganisations({});
  const organisationId = organisations[0]?.organisationId ?? '';
  await admin.api.organisations.updateMemberRole({ organisationId, userId: reviewer.userId, role: 'admin' });
  await reviewer.api.organisations.updateMemberRole({ organisationId, userId: admin.userId, role: 'member' });
  await row(page, 'four-eyes').getByRole('button', { name: 'Disable' }).click();
  await expect(row(page, 'four-eyes').getByRole('alert')).toContainText("Couldn't change “four-eyes”.");
  await expect(row(page, 'four-eyes')).toContainText('Enabled');
});

test('a release continues when its blocking policy is disabled', async ({ world, browserOf }) => {
  const { admin, author } = world.people;
  const { address } = await world.gated();
  const watching = await browserOf(author);
  await watching.goto(address);
  await expect(watching.getByText('0/2 approvals')).toBeVisible();
  const page = await browserOf(admin);
  await page.goto(world.page('policies'));
  await row(page, 'approve-production').getByRole('button', { name: 'Disable' }).click();
  const question = page.getByRole('alertdialog', { name: 'Disable policy "approve-production"?' });
  await expect(question).toContainText('1 release is waiting for production:');
  await expect(question.getByRole('listitem')).toHaveText('Round totals half up (1.4.0)');
  await expectNoFaults(page, 'light', '[role=alertdialog]');
  await question.getByRole('button', { name: 'Disable policy' }).click();
  await expect(watching.getByRole('region', { name: 'Pipeline' })).toContainText('Deployed to production');
});

test('the editor says who can approve and what waits now', async ({ world, browserOf }) => {
  const { artifact, intentId } = await world.gated();
  const page = await browserOf(world.people.admin);
  await page.goto(world.page('policies/approve-production'));
  const form = page.getByRole('form', { name: 'Edit policy' });
  await expect(form.getByRole('heading', { name: 'Now' })).toBeVisible();
  await expect(form).toContainText('3 members can approve');
  await expect(form).toContainText('1 release waits for production');
  await expect(form.getByRole('link', { name: '1.4.0' })).toHaveAttribute(
    'href',
    `/orgs/${world.organisation}/projects/shop/releases/${artifact.slug}?release=${intentId}#policy-requirements`,
  );
  const approvals = page.getByLabel('Required approvals');
  await approvals.fill('4');
  await expect(form).toContainText('Only 3 members can approve');
  const later = await world.annotate({ title: 'Round down', version: '1.5.0' });
  await world.release(later, 'production');
  await expect(form).toContainText('2 releases wait for production', { timeout: 20_000 });
  await expect(form.getByRole('link')).toHaveText([/^1\.4\.0/, /^1\.5\.0/]);
  await expect(approvals).toHaveValue('4');
  await expect(approvals).toBeFocused();
  await expectFitForAll(page);
});
