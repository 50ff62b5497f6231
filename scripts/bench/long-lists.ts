import type { Browser, Page } from 'playwright';
import { PolicyType } from '#server/gen/forest/v1/policies_pb.ts';
import { apiAt, signedIn } from '../api.ts';
import { fill, founder, organisation, size } from './board.ts';
import { projects } from './board-rows.ts';
import { atMost, type Figure } from './figure.ts';
import { each, password } from './page-world.ts';
import { launch, longestTask, openPage, scrollThrough } from './slow-browser.ts';
import { withTestbed } from './testbed.ts';

const waiting = 500;
const limit = 100;

/** Lets 500 releases wait for the admin's vote. */
async function fillWaitingList(url: string): Promise<void> {
  const admin = await signedIn(url, founder, password);
  const { organisations } = await admin.organisations.listMyOrganisations({});
  const organisationId = organisations[0]?.organisationId ?? '';
  const { user, tokens } = await apiAt(url).users.register({
    username: 'author',
    email: 'author@example.com',
    password,
  });
  await admin.organisations.addMember({ organisationId, userId: user?.userId ?? '', role: 'member' });
  const author = apiAt(url, tokens?.accessToken ?? '');
  const project = { organisation, project: 'waiting' };
  await admin.releases.createProject(project);
  const value = { targetEnvironment: 'production', requiredApprovals: 2 };
  await admin.policies.createPolicy({
    project,
    name: 'two-approvals',
    policyType: PolicyType.EXTERNAL_APPROVAL,
    config: { case: 'approval', value },
  });
  await each(waiting, async (index) => {
    const { artifact } = await author.releases.annotateRelease({
      project,
      context: { title: `Build ${index} rounds totals half up` },
      ref: { commitSha: 'ab'.repeat(20), branch: 'main', version: `1.${index}.0` },
    });
    await author.releases.release({ artifactId: artifact?.artifactId ?? '', environments: ['production'] });
  });
}

/** Resolves once `expression` is true in the page, seen at each frame. */
const until = (page: Page, expression: string) =>
  page.evaluate(`new Promise((done) => {
    const check = () => (${expression} ? done(true) : requestAnimationFrame(check));
    check();
  })`);

async function board(browser: Browser, url: string): Promise<Figure[]> {
  const page = await openPage(browser, url, { cpu: 4 }, founder);
  await page.goto(url);
  // The code of the page is there; what is measured is the board.
  const link = page
    .getByRole('list', { name: 'Your organisations' })
    .getByRole('link', { name: organisation });
  await link.waitFor();
  const opening = await longestTask(page, async () => {
    await link.click();
    await until(page, `Number(document.querySelector('table')?.getAttribute('aria-rowcount')) > ${projects}`);
    await until(page, `document.querySelectorAll('tbody tr').length >= 6`);
  });
  const search = page.getByLabel('Search projects');
  const filtering = await longestTask(page, async () => {
    await search.pressSequentially('board-1');
    await until(page, `document.querySelector('tbody th')?.textContent.startsWith('board-1')`);
    await search.fill('');
    await until(page, `document.querySelector('tbody th')?.textContent.startsWith('board-0')`);
  });
  const scrolling = await longestTask(page, () => scrollThrough(page));
  await page.context().close();
  const at = `of ${size} at 4× slower CPU: longest task`;
  return [
    atMost(`Board ${at} of opening it`, opening, limit, 'ms'),
    atMost(`Board ${at} of filtering it`, filtering, limit, 'ms'),
    atMost(`Board ${at} of scrolling it`, scrolling, limit, 'ms'),
  ];
}

async function waitingList(browser: Browser, url: string): Promise<Figure[]> {
  const page = await openPage(browser, url, { cpu: 4 }, founder);
  await page.goto(`${url}/account`);
  const home = page.getByRole('link', { name: 'Forage', exact: true });
  await home.waitFor();
  const rows = `document.querySelectorAll('[aria-label^="Waiting for you:"] > li:not([aria-hidden])').length`;
  const opening = await longestTask(page, async () => {
    await home.click();
    await until(page, `${rows} === 50`);
  });
  const more = await page.getByRole('button', { name: 'Load more approvals' }).elementHandle();
  const loading = await longestTask(page, async () => {
    for (let shown = 100; shown <= waiting; shown += 50) {
      await more?.click();
      await until(page, `${rows} === ${shown}`);
    }
  });
  const scrolling = await longestTask(page, () => scrollThrough(page));
  await page.context().close();
  const at = 'at 4× slower CPU: longest task';
  return [
    atMost(`Waiting list with 50 rows ${at} of opening it`, opening, limit, 'ms'),
    atMost(`Waiting list ${at} of loading ${waiting} rows`, loading, limit, 'ms'),
    atMost(`Waiting list with ${waiting} rows ${at} of scrolling it`, scrolling, limit, 'ms'),
  ];
}

/** The longest tasks of the board and of a waiting list with 500 rows, at an admin's screen. */
export async function longLists(): Promise<Figure[]> {
  return withTestbed(async (testbed) => {
    const { url } = await fill(testbed, 1);
    await fillWaitingList(url);
    const browser = await launch();
    try {
      return [...(await board(browser, url)), ...(await waitingList(browser, url))];
    } finally {
      await browser.close();
    }
  });
}
