import { expectFitForAll } from './fit-for-all.ts';
import { expect, test } from './fixtures.ts';

const phone = { viewport: { width: 390, height: 844 } };

test('counts what waits for the user on every page, and leads there', async ({ world, browserOf }) => {
  const { reviewer, author } = world.people;
  const { address } = await world.gated();
  const page = await browserOf(reviewer);
  await page.goto(world.page('pipelines'));
  const count = page.getByRole('link', { name: 'Waiting 1' });
  await expect(count).toBeVisible();
  await expectFitForAll(page);

  await count.click();
  await expect(page.getByRole('region', { name: 'Waiting for you' })).toBeVisible();

  await page.goto(address);
  await expect(count).toBeVisible();
  await page.getByRole('button', { name: 'Approve', exact: true }).click();
  await expect(count).toHaveCount(0);

  const other = await browserOf(author, phone);
  await other.goto(world.page('pipelines'));
  await expect(other.getByRole('heading', { level: 1, name: 'Pipelines' })).toBeVisible();
  await expect(other.getByRole('link', { name: /^Waiting/ })).toHaveCount(0);
});

test('names organisation and project, and switches to others', async ({ world, browserOf }) => {
  const { admin } = world.people;
  await admin.api.releases.createProject({ organisation: world.organisation, project: 'warehouse' });
  const page = await browserOf(admin);
  await page.goto(world.page('policies'));
  await page.getByRole('button', { name: 'shop, switch project' }).click();
  const dialog = page.getByRole('dialog', { name: 'Go to project' });
  await expect(dialog.getByRole('option')).toHaveCount(2);
  await expectFitForAll(page);
  await dialog.getByRole('option', { name: /warehouse/ }).click();
  await expect(page).toHaveURL(`${world.url}/orgs/${world.organisation}/projects/warehouse`);
  await page.getByRole('button', { name: `${world.organisation}, switch organisation` }).click();
  await page
    .getByRole('dialog', { name: 'Go to organisation' })
    .getByRole('option', { name: world.organisation })
    .click();
  await expect(page).toHaveURL(`${world.url}/orgs/${world.organisation}`);
});

test('stays in view while the page scrolls, and covers no anchor', async ({ world, browserOf }) => {
  const { address } = await world.gated();
  const page = await browserOf(world.people.reviewer, { viewport: { width: 1280, height: 500 } });
  await page.goto(`${address}#policy-requirements`);
  const bar = page.getByRole('banner');
  const requirements = page.getByRole('region', { name: 'Policy Requirements' });
  await expect(requirements).toBeInViewport();
  await expect(bar).toBeInViewport({ ratio: 1 });
  const below = async () => {
    const [top, section] = await Promise.all([bar.boundingBox(), requirements.boundingBox()]);
    return (section?.y ?? 0) >= (top?.height ?? Number.POSITIVE_INFINITY);
  };
  await expect.poll(below).toBe(true);
});

test('holds the tabs in the menu on a phone', async ({ world, browserOf }) => {
  const { reviewer } = world.people;
  const page = await browserOf(reviewer, phone);
  await page.goto(world.page());
  await expect(page.getByRole('link', { name: 'Policies' })).toHaveCount(0);
  await page.getByRole('button', { name: reviewer.username }).click();
  await expectFitForAll(page);
  await page.getByRole('link', { name: 'Policies' }).click();
  await expect(page).toHaveURL(world.page('policies'));
  await expect(page.getByRole('link', { name: 'Policies' })).toHaveCount(0);
});

test('targets are 44 pixels for fingers, and fields have text of 16 pixels', async ({ world, browserOf }) => {
  const page = await browserOf(world.people.admin, { ...phone, hasTouch: true, isMobile: true });
  await page.goto(`/orgs/${world.organisation}/members`);
  const field = page.getByLabel('Username or email');
  await expect(field).toBeVisible();
  await expect(field).toHaveCSS('font-size', '16px');
  const controls = page.locator(
    'main button:visible, main input:visible, main select:visible, header button:visible',
  );
  expect(await controls.count()).toBeGreaterThan(5);
  for (const control of await controls.all()) {
    const box = await control.boundingBox();
    expect(
      Math.round(box?.height ?? 0),
      `${await control.textContent()} ${await control.getAttribute('aria-label')}`,
    ).toBeGreaterThanOrEqual(44);
  }
});

test('messages can be dismissed, and leave the dialog open that they appear beside', async ({
  world,
  browserOf,
}) => {
  const page = await browserOf(world.people.admin);
  await page.goto(`/orgs/${world.organisation}/members`);
  await page.getByRole('button', { name: 'Create service account' }).click();
  await page.getByRole('dialog').getByLabel('Name').fill('ci');
  await page.getByRole('dialog').getByRole('button', { name: 'Create service account' }).click();
  const message = page.getByText('Service account created. Create a token for it.');
  await expect(message).toBeVisible();
  await page.getByRole('button', { name: 'Create service account' }).click();
  await page.getByRole('button', { name: 'Dismiss' }).click();
  await expect(message).toHaveCount(0);
  await expect(page.getByRole('dialog')).toBeVisible();
});

test('dialogs open while the server is away', async ({ world, browserOf }) => {
  const page = await browserOf(world.people.reviewer);
  // The code of dialogs is loaded after the first page.
  const loaded = ['bg-black/50', 'Enable single-key shortcuts'].map((text) =>
    page.waitForResponse(
      async (response) => response.url().endsWith('.js') && (await response.text()).includes(text),
    ),
  );
  await page.goto(world.page('policies'));
  await Promise.all(loaded);
  await page.route(/./, (route) => route.abort('connectionrefused'));
  await page.keyboard.press('?');
  await expect(page.getByRole('dialog', { name: 'Keyboard shortcuts' })).toBeVisible();
});
