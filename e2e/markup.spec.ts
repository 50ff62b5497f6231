import { Code, ConnectError } from '@connectrpc/connect';
import type { Page } from 'playwright/test';
import { expect, openDeploy, test, type World } from './fixtures.ts';
import {
  ADDRESS,
  fillWithMarkup,
  type HostileBuilds,
  LINE,
  MARKUP,
  NAME,
  SCRIPT_ADDRESSES,
  startHostileReceiver,
} from './hostile-texts.ts';
import { injected } from './injected.ts';
import { overhang } from './page-faults.ts';

/** Collects what a page must not do. */
function watch(page: Page, world: World): string[] {
  const faults: string[] = [];
  page.on('dialog', (dialog) => {
    faults.push(`a dialog: ${dialog.message()}`);
    void dialog.dismiss();
  });
  page.on('pageerror', (error) => faults.push(`an error: ${error.message}`));
  // Violations of the Content-Security-Policy are errors of the console as well.
  page.on('console', (message) => {
    if (message.type() === 'error') faults.push(`the console: ${message.text()}`);
  });
  page.on('request', (request) => {
    const to = new URL(request.url());
    if (to.origin !== world.url && to.protocol !== 'blob:') faults.push(`a request to ${to.href}`);
  });
  return faults;
}

interface Screen {
  readonly path: string;
  /** A text on the screen once it has loaded. */
  readonly shows: string;
}

const screensOf = (world: World, { gated, failed, planned }: HostileBuilds): readonly Screen[] => [
  { path: '/', shows: MARKUP },
  { path: '/account', shows: 'data-pwned' },
  { path: `/orgs/${world.organisation}`, shows: 'shop' },
  {
    path: `/orgs/${world.organisation}/members`,
    // A service account's token.
    shows: '<img src=x data-pwned onerror=alert(4)>',
  },
  { path: `/orgs/${world.organisation}/environments`, shows: MARKUP },
  { path: `/orgs/${world.organisation}/history`, shows: 'data-pwned' },
  { path: world.page(), shows: MARKUP },
  { path: world.page(`releases/${gated.slug}`), shows: MARKUP },
  { path: world.page(`releases/${failed.slug}`), shows: MARKUP },
  { path: world.page(`releases/${planned.slug}`), shows: MARKUP },
  { path: world.page('policies'), shows: '<img src=x data-pwned onerror=alert(4)>' },
  {
    path: world.page(`policies/${encodeURIComponent(NAME)}`),
    shows: '<img src=x data-pwned onerror=alert(4)>',
  },
  { path: world.page('pipelines'), shows: 'planned' },
  { path: world.page('pipelines/planned'), shows: 'planned' },
  { path: `/nowhere/${encodeURIComponent(NAME)}`, shows: 'Page not found' },
];

for (const [size, viewport] of [
  ['a wide window', { width: 1280, height: 900 }],
  ['a phone', { width: 390, height: 844 }],
] as const) {
  test(`shows markup and hidden characters as text on every screen, in ${size}`, async ({
    world,
    browserOf,
  }) => {
    test.setTimeout(120_000);
    const receiver = await startHostileReceiver();
    try {
      const builds = await fillWithMarkup(world, receiver.url);
      const page = await browserOf(world.people.admin, {
        viewport,
        // Shown in the list of sessions.
        userAgent: `Mozilla/5.0 ${MARKUP}`,
      });
      const faults = watch(page, world);
      for (const { path, shows } of screensOf(world, builds)) {
        await page.goto(path);
        // Labels of hidden boxes have the text too.
        await expect(page.getByText(shows).filter({ visible: true }).first(), path).toBeVisible();
        expect([path, await injected(page)]).toEqual([path, []]);
        expect([path, await overhang(page)]).toEqual([path, 0]);
      }
      expect(faults).toEqual([]);
    } finally {
      receiver.close();
    }
  });
}

test('shows them as text in menus, dialogs, details and plans, and to members', async ({
  world,
  browserOf,
}) => {
  const receiver = await startHostileReceiver();
  try {
    const { gated, failed, planned } = await fillWithMarkup(world, receiver.url);
    const page = await browserOf(world.people.admin);
    const faults = watch(page, world);
    const fine = async (what: string) => expect([what, await injected(page)]).toEqual([what, []]);
    await page.goto('/');
    const closed = page.getByRole('button', { name: /^Details of/, expanded: false });
    await expect(page.getByRole('button', { name: /^Details of/ }).first()).toBeVisible();
    while ((await closed.count()) > 0) await closed.first().click();
    await expect(page.getByRole('button', { name: 'Approve', exact: true }).first()).toBeVisible();
    await fine('the open rows of the waiting list');
    await page
      .getByRole('checkbox', { name: /^Select all of/ })
      .first()
      .check();
    await page.getByRole('button', { name: /^Approve \d+…/ }).click();
    await expect(page.getByRole('dialog').getByText('data-pwned').first()).toBeVisible();
    await fine('the dialog that approves several');
    await page.goto(world.page(`releases/${gated.slug}`));
    await page.getByRole('button', { name: 'Bypass (Admin)' }).click();
    await expect(page.getByRole('alertdialog')).toBeVisible();
    await fine('the bypass dialog');
    await page.keyboard.press('Escape');
    await page.getByRole('button', { name: 'Go to…' }).click();
    await page.keyboard.type('data-pwned');
    await expect(page.getByRole('dialog').getByText('data-pwned').first()).toBeVisible();
    await fine('the command menu');
    await page.goto(world.page(`releases/${planned.slug}`));
    await page.getByRole('button', { name: 'View plan' }).click();
    await expect(page.getByRole('dialog').getByText(MARKUP)).toBeVisible();
    await fine('the plan');
    await page.keyboard.press('Escape');
    await page.getByRole('button', { name: 'Reject plan' }).click();
    await fine('the plan rejection dialog');
    await page.keyboard.press('Escape');
    await page.goto(world.page(`releases/${failed.slug}`));
    for (const summary of await page.locator('summary').all()) await summary.click();
    await expect(page.getByText('data-pwned onload').first()).toBeVisible();
    await fine('the failure details');
    await page.getByRole('button', { name: 'Logs of hooks' }).click();
    await expect(page.getByRole('dialog').getByRole('listitem').first()).toBeVisible();
    await fine('the log');
    await page.keyboard.press('Escape');
    const deploy = await openDeploy(page);
    await deploy.getByLabel('Target environment').selectOption('production');
    await expect(deploy).toContainText('production requires approvals');
    await fine('the dialog that deploys');
    await page.keyboard.press('Escape');
    await page.goto(`/orgs/${world.organisation}/history`);
    const changes = page.getByRole('list', { name: 'History' }).getByRole('button');
    await expect(changes.first()).toBeVisible();
    for (const button of await changes.all()) await button.click();
    await fine('the history');
    await page.goto(world.page('policies'));
    for (const button of await page.getByRole('button', { name: 'Delete' }).all()) {
      await button.click();
      await expect(page.getByRole('alertdialog')).toContainText('data-pwned');
      await fine('the dialog to delete a policy');
      await page.keyboard.press('Escape');
    }
    await page.goto('/account');
    await page.getByRole('button', { name: /^Delete .*data-pwned/ }).click();
    await expect(page.getByRole('alertdialog')).toContainText('data-pwned');
    await fine('the dialog to delete a token');
    const member = await browserOf(world.people.reviewer);
    const memberFaults = watch(member, world);
    for (const path of [
      world.page(`releases/${gated.slug}`),
      world.page(`policies/${encodeURIComponent(NAME)}`),
      world.page(),
      `/orgs/${world.organisation}/environments`,
    ]) {
      await member.goto(path);
      await expect(member.getByText('data-pwned').first(), path).toBeVisible();
      expect([path, await injected(member)]).toEqual([path, []]);
    }
    expect([...faults, ...memberFaults]).toEqual([]);
  } finally {
    receiver.close();
  }
});

test('the sign-in screen repeats no text of an address, and shows input as text', async ({ page, world }) => {
  const faults = watch(page, world);
  const parameters = [
    ['next', `/orgs/${NAME}`],
    ['problem', MARKUP],
    ['provider', MARKUP],
    ['request', MARKUP],
  ];
  const query = parameters.map(([name, text]) => `${name}=${encodeURIComponent(text ?? '')}`).join('&');
  await page.goto(`${world.url}/sign-in?${query}`);
  await expect(page.getByText('Sign in to continue')).toHaveCount(0);
  await expect(page.getByRole('alert')).toHaveText(/^Sign-in failed\./);
  expect(await injected(page)).toEqual([]);
  expect(await overhang(page)).toBe(0);
  expect(faults).toEqual([]);
  await page.getByLabel('Username or email').fill(LINE);
  await page.getByLabel('Password').fill(MARKUP);
  await page.getByRole('button', { name: 'Sign in' }).click();
  await expect(page.getByRole('alert').filter({ hasText: 'password' })).toBeVisible();
  expect(await injected(page)).toEqual([]);
  for (const script of SCRIPT_ADDRESSES) {
    await page.goto(`${world.url}/sign-in?next=${encodeURIComponent(script)}`);
    await expect(page.getByRole('button', { name: 'Sign in' })).toBeVisible();
    expect(await injected(page)).toEqual([]);
    await expect(page.getByText('Sign in to continue')).toHaveCount(0);
  }
});

/** The code of a refusal; null for a success. */
const codeOf = (call: Promise<unknown>): Promise<Code | null> =>
  call.then(
    () => null,
    (error: unknown) => ConnectError.from(error).code,
  );

test('rejects addresses that run a script, and links to web addresses only', async ({ world, browserOf }) => {
  const { author } = world.people;
  const build = { project: world.project, ref: { commitSha: 'abc' } };
  for (const address of SCRIPT_ADDRESSES) {
    for (const context of [
      { title: 'x', web: address },
      { title: 'x', pr: address },
    ]) {
      expect([address, await codeOf(author.api.releases.annotateRelease({ ...build, context }))]).toEqual([
        address,
        Code.InvalidArgument,
      ]);
    }
    const source = { runUrl: address };
    const annotated = author.api.releases.annotateRelease({ ...build, context: { title: 'x' }, source });
    expect([address, await codeOf(annotated)]).toEqual([address, Code.InvalidArgument]);
    const metadata = { homepage: address, docsUrl: address, supportUrl: address };
    const updated = world.people.admin.api.releases.updateProject({ ...world.project, metadata });
    expect([address, await codeOf(updated)]).toEqual([address, Code.InvalidArgument]);
  }
  const { artifact } = await author.api.releases.annotateRelease({
    ...build,
    context: { title: 'Links', web: ADDRESS, pr: ADDRESS },
  });
  const page = await browserOf(world.people.reviewer);
  await page.goto(world.page(`releases/${artifact?.slug}`));
  const link = page.getByRole('link', { name: /Pull request/ });
  expect(new URL((await link.getAttribute('href')) ?? '').origin).toBe('https://evil.example');
  expect(await link.getAttribute('rel')).toContain('noreferrer');
});

test('a name with hidden characters cannot pass for another', async ({ world, browserOf }) => {
  const { author, reviewer } = world.people;
  await world.annotate({ title: 'Safe change', branch: `release\u2066/${'\u202e'}niam` });
  const { artifact } = await author.api.releases.annotateRelease({
    project: world.project,
    context: { title: `Reviewed by ${reviewer.username}\u200b` },
    ref: { commitSha: 'abc', branch: 'ma\u200bin' },
  });
  const page = await browserOf(reviewer);
  await page.goto(world.page(`releases/${artifact?.slug}`));
  await expect(page.getByRole('heading', { level: 1 })).toHaveText(
    `Reviewed by ${reviewer.username}⟨U+200B⟩`,
  );
  await expect(page.getByText('ma⟨U+200B⟩in').first()).toBeVisible();
  await page.goto(world.page());
  await expect(page.getByText('release⟨U+2066⟩/⟨U+202E⟩niam').first()).toBeVisible();
});
