import { join } from 'node:path';
import type { Browser } from 'playwright';
import { startServer } from '../server-process.ts';
import { barePath, withBarePage } from './bare-page.ts';
import { atMost, type Figure, median } from './figure.ts';
import { decisions, makePageWorld, type PageWorld, project, releases } from './page-world.ts';
import { launch, longestTask, openPage, scrollThrough, slowPhone } from './slow-browser.ts';
import { withFolder } from './temporary.ts';

const rounds = 5;
/** Text that both pages show once they have their data. */
const dataText = '/2 approvals';

/** Runs in the page: marks the frame that shows the data. */
const watchForData = `
  const observer = new MutationObserver(() => {
    if (!document.body?.textContent?.includes('${dataText}')) return;
    observer.disconnect();
    requestAnimationFrame(() => performance.mark('data-on-screen'));
  });
  observer.observe(document, { childList: true, subtree: true, characterData: true });
`;

/** Runs in the page: the time of that frame, in milliseconds since the navigation. */
const dataOnScreen = `new Promise((done) => {
  const check = () => {
    const [mark] = performance.getEntriesByName('data-on-screen');
    if (mark) done(mark.startTime);
    else requestAnimationFrame(check);
  };
  check();
})`;

/** Milliseconds from the navigation to the frame that shows the data. */
async function timeToData(browser: Browser, url: string, address: string): Promise<number> {
  const page = await openPage(browser, url, slowPhone);
  try {
    await page.addInitScript(watchForData);
    await page.goto(address, { waitUntil: 'commit' });
    await page.getByText(dataText).first().waitFor({ timeout: 60_000 });
    return Number(await page.evaluate(dataOnScreen));
  } finally {
    await page.context().close();
  }
}

/** The artifact page and the bare page, both cold. They alternate, so that other load on the machine affects both. */
async function comparedWithBarePage(browser: Browser, url: string, { gated }: PageWorld): Promise<Figure> {
  const bare = `${url}${barePath}?${new URLSearchParams({ ...project, release: gated.releaseIntentId })}`;
  const bareTimes: number[] = [];
  const ourTimes: number[] = [];
  for (let round = 0; round <= rounds; round++) {
    const times = [
      await timeToData(browser, url, bare),
      await timeToData(browser, url, pageOf(url, gated.slug)),
    ];
    // The first round warms up the server.
    if (round === 0) continue;
    bareTimes.push(times[0] ?? Number.NaN);
    ourTimes.push(times[1] ?? Number.NaN);
  }
  const [ours, baseline] = [median(ourTimes), median(bareTimes)];
  return {
    name: 'Artifact page, cold, to data on screen (4× CPU, 1.6 Mbit/s, 150 ms)',
    measured: `${(ours / 1000).toFixed(2)} s`,
    limit: `at most 1.35 × the bare page's ${(baseline / 1000).toFixed(2)} s (it is ${(ours / baseline).toFixed(2)})`,
    reached: ours <= baseline * 1.35,
  };
}

/** The number of requests of the cold page until it is complete, and their size on the wire. */
async function coldRequests(browser: Browser, url: string, { gated }: PageWorld): Promise<Figure[]> {
  const page = await openPage(browser, url, { cpu: 1 });
  const protocol = await page.context().newCDPSession(page);
  await protocol.send('Network.enable');
  let requests = 0;
  let bytes = 0;
  protocol.on('Network.requestWillBeSent', ({ request }) => {
    if (request.url.startsWith('http')) requests += 1;
  });
  protocol.on('Network.loadingFinished', ({ encodedDataLength }) => {
    bytes += encodedDataLength;
  });
  await page.goto(pageOf(url, gated.slug));
  await page.getByText(dataText).first().waitFor();
  await page.getByRole('button', { name: 'Deploy…' }).waitFor();
  await page.waitForLoadState('networkidle');
  await page.context().close();
  const wire = (bytes / 1000).toFixed(0);
  return [atMost(`Artifact page, cold: requests with the API's (${wire} kB with headers)`, requests, 12, '')];
}

const pageOf = (url: string, slug: string) =>
  `${url}/orgs/${project.organisation}/projects/${project.project}/releases/${slug}`;

/** Runs in the page: resolves once the requirements contain this text. */
const requirementsShow = (text: string) => `new Promise((done) => {
  const check = () => {
    if (document.getElementById('policy-requirements')?.textContent?.includes('${text}')) done(true);
    else requestAnimationFrame(check);
  };
  check();
})`;

async function longLists(browser: Browser, url: string, { crowded }: PageWorld): Promise<Figure[]> {
  const list = await openPage(browser, url, { cpu: 4 });
  await list.goto(`${url}/orgs/${project.organisation}/projects/${project.project}`);
  const rows = list.getByRole('list', { name: 'Releases', exact: true }).locator('> li');
  const more = list.getByRole('button', { name: 'Load more releases' });
  for (let shown = 50; shown < releases; shown += 50) {
    await more.click();
    await rows.nth(shown).waitFor({ state: 'attached' });
  }
  const scrolling = await longestTask(list, () => scrollThrough(list));
  await list.context().close();

  const page = await openPage(browser, url, { cpu: 4 });
  await page.goto(pageOf(url, crowded.slug));
  const panel = page.getByRole('region', { name: 'Policy Requirements' });
  // Found before the measurement: searching by role among many elements takes time.
  const comment = await panel.getByLabel('Comment').elementHandle();
  const approve = await panel.getByRole('button', { name: 'Approve', exact: true }).elementHandle();
  const reject = await panel.getByRole('button', { name: 'Reject', exact: true }).elementHandle();
  const voting = await longestTask(page, async () => {
    await scrollThrough(page);
    await comment?.fill('Reviewed.');
    await approve?.click();
    await page.evaluate(requirementsShow('You approved this release'));
    await reject?.click();
    await page.evaluate(requirementsShow('You rejected this release'));
    await scrollThrough(page);
  });
  await page.context().close();
  return [
    atMost(`${releases} releases in a list, scrolling at 4× slower CPU: longest task`, scrolling, 100, 'ms'),
    atMost(`${decisions} decisions, voting and scrolling at 4× slower CPU: longest task`, voting, 100, 'ms'),
  ];
}

/** The dashboard's figures in a browser, with a server that has 500 releases. */
export async function dashboard(): Promise<readonly Figure[]> {
  return withFolder(async (folder) => {
    const files = join(folder, 'static');
    await withBarePage(files);
    const server = await startServer(join(folder, 'data'), {
      DATABASE_URL: '',
      FORAGE_REGISTRATION: 'open',
      STATIC_DIR: files,
      RATE_LIMIT_PER_MINUTE: '0',
    });
    const browser = await launch();
    try {
      const world = await makePageWorld(server.url, server.setUpToken ?? '');
      return [
        ...(await coldRequests(browser, server.url, world)),
        await comparedWithBarePage(browser, server.url, world),
        ...(await longLists(browser, server.url, world)),
      ];
    } finally {
      await browser.close();
      await server.stop();
    }
  });
}
