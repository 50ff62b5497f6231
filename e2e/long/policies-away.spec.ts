import type { Page } from 'playwright/test';
import { expect, test } from '../fixtures.ts';
import { faults, overhang } from '../page-faults.ts';

/** The pages of policies when a request fails or the server can't be reached. */

const viewports = { wide: { width: 1280, height: 800 }, phone: { width: 390, height: 844 } };
const slow = { timeout: 40_000 };

/** Lets requests to a method reach no server. */
const cutOff = (page: Page, method: RegExp) =>
  page.route(method, (route) => route.abort('connectionrefused'));
/** Answers a method with an error inside the server. */
const fail = (page: Page, method: RegExp) =>
  page.route(method, (route) => route.fulfill({ status: 500, json: { code: 'internal' } }));

const row = (page: Page) => page.getByRole('list', { name: 'Policies for production' }).getByRole('listitem');

async function expectReadable(page: Page, selector = 'html'): Promise<void> {
  expect(await faults(page, 'light', selector)).toEqual([]);
  expect(await overhang(page)).toBeLessThanOrEqual(0);
}

for (const [size, viewport] of Object.entries(viewports)) {
  for (const path of ['policies', 'policies/four-eyes']) {
    test(`${path} says why it can't be loaded, and tries again (${size})`, async ({ world, browserOf }) => {
      await world.requireApprovals('production', 2, 'four-eyes');
      const page = await browserOf(world.people.admin, { viewport });
      await fail(page, /ListPolicies/);
      await page.goto(world.page(path));
      await expect(page.getByRole('heading', { level: 1, name: 'Something went wrong' })).toBeVisible();
      await expectReadable(page);
      await page.unroute(/ListPolicies/);
      await cutOff(page, /ListPolicies/);
      await page.getByRole('button', { name: 'Try again' }).click();
      await expect(page.getByRole('heading', { level: 1, name: "Can't reach the server" })).toBeVisible(slow);
      await expectReadable(page);
      await page.unroute(/ListPolicies/);
      await page.getByRole('button', { name: 'Try again' }).click();
      await expect(page.getByText('four-eyes').first()).toBeVisible();
      await expect(page.getByRole('form')).toBeVisible();
    });
  }

  test(`the list keeps its policies while the server is away (${size})`, async ({ world, browserOf }) => {
    await world.requireApprovals('production', 2, 'four-eyes');
    const page = await browserOf(world.people.admin, { viewport, reducedMotion: 'reduce' });
    await page.goto(world.page('policies'));
    await expect(row(page)).toContainText('production · 2 approvals');
    await cutOff(page, /forest\.v1/);
    if (size === 'phone') await page.getByRole('button', { name: 'Actions for four-eyes' }).click();
    await row(page).getByRole('button', { name: 'Disable' }).click();
    // Which releases wait is unknown, so it asks.
    const question = page.getByRole('alertdialog', { name: 'Disable policy "four-eyes"?' });
    await expect(question).toContainText(
      "Couldn't check which releases are waiting for production. Can't reach the server.",
      slow,
    );
    await question.getByRole('button', { name: 'Disable policy' }).click();
    await expect(question.getByRole('alert')).toContainText(
      "Couldn't disable “four-eyes”. Can't reach the server.",
    );
    await expectReadable(page, '[role=alertdialog]');
    await page.unroute(/forest\.v1/);
    await question.getByRole('button', { name: 'Disable policy' }).click();
    await expect(question).toBeHidden();
    await expect(row(page)).toContainText('Disabled');
  });

  test(`the editor keeps what was typed while the server is away (${size})`, async ({ world, browserOf }) => {
    await world.requireApprovals('production', 2, 'four-eyes');
    const page = await browserOf(world.people.admin, { viewport });
    await fail(page, /GetDeploymentBoard/);
    await page.goto(world.page('policies/four-eyes'));
    const form = page.getByRole('form', { name: 'Edit policy' });
    await expect(form).toContainText("Couldn't check which releases are waiting for production.");
    await page.unroute(/GetDeploymentBoard/);
    const approvals = page.getByLabel('Required approvals');
    await approvals.fill('3');
    await cutOff(page, /UpdatePolicy/);
    await page.getByRole('button', { name: 'Save Changes' }).click();
    await expect(form.getByRole('alert')).toContainText("Can't reach the server");
    await expect(form.getByRole('alert')).toBeFocused();
    await expect(approvals).toHaveValue('3');
    await expectReadable(page);
    await page.unroute(/UpdatePolicy/);
    await page.getByRole('button', { name: 'Save Changes' }).click();
    await expect(row(page)).toContainText('production · 3 approvals');
  });

  test(`policies can't be created before the environments are loaded (${size})`, async ({
    world,
    browserOf,
  }) => {
    const page = await browserOf(world.people.admin, { viewport });
    await fail(page, /ListEnvironments/);
    await page.goto(world.page('policies'));
    const problem = page.getByRole('alert').filter({ hasText: "You can't create a policy until they load." });
    await expect(problem).toContainText("Couldn't load environments.");
    await expect(page.getByRole('form')).toHaveCount(0);
    await expectReadable(page);
    await page.unroute(/ListEnvironments/);
    await problem.getByRole('button', { name: 'Try again' }).click();
    await expect(page.getByRole('form', { name: 'Create policy' })).toBeVisible();
  });
}
