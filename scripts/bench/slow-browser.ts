import { type Browser, chromium, type Page } from 'playwright';
import { ensureChromium } from '../ensure-chromium.ts';
import { password, reader } from './page-world.ts';

/** A browser with the settings of the browser tests. */
export function launch(): Promise<Browser> {
  return chromium.launch({
    executablePath: ensureChromium(),
    chromiumSandbox: process.getuid?.() !== 0,
    args: ['--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE localhost'],
  });
}

export interface Slowness {
  /** The factor by which the CPU is slowed down. */
  readonly cpu: number;
  /** Absent for an unlimited network. */
  readonly network?: { readonly kilobitsPerSecond: number; readonly latencyMs: number };
}

/** A slow phone on a mobile network. */
export const slowPhone: Slowness = { cpu: 4, network: { kilobitsPerSecond: 1600, latencyMs: 150 } };

/** Opens a page with its own cookies and cache, in which `identifier` is signed in, slowed down. */
export async function openPage(
  browser: Browser,
  url: string,
  slow: Slowness,
  identifier = reader,
): Promise<Page> {
  const context = await browser.newContext({ viewport: { width: 1280, height: 900 } });
  const answer = await context.request.post(`${url}/forest.v1.SessionService/SignIn`, {
    data: { identifier, password },
  });
  if (!answer.ok()) throw new Error(`SignIn failed with status ${answer.status()}`);
  const page = await context.newPage();
  const protocol = await context.newCDPSession(page);
  await protocol.send('Emulation.setCPUThrottlingRate', { rate: slow.cpu });
  if (slow.network) {
    const bytesPerSecond = (slow.network.kilobitsPerSecond * 1000) / 8;
    await protocol.send('Network.enable');
    await protocol.send('Network.emulateNetworkConditions', {
      offline: false,
      latency: slow.network.latencyMs,
      downloadThroughput: bytesPerSecond,
      uploadThroughput: bytesPerSecond,
    });
  }
  return page;
}

/** Runs in the page: starts to record the longest task. */
const watchTasks = `
  globalThis.longestTask = 0;
  new PerformanceObserver((list) => {
    for (const { duration } of list.getEntries()) {
      globalThis.longestTask = Math.max(globalThis.longestTask, duration);
    }
  }).observe({ type: 'longtask' });
`;

/** The longest task while `work` runs on the page, in milliseconds; 0 if none took more than 50 ms. */
export async function longestTask(page: Page, work: () => Promise<void>): Promise<number> {
  await page.evaluate(watchTasks);
  await work();
  return Number(await page.evaluate('globalThis.longestTask'));
}

/** Scrolls down the page and up again. */
export async function scrollThrough(page: Page): Promise<void> {
  await page.mouse.move(640, 500);
  for (const step of [700, -700]) {
    for (let turn = 0; turn < 60; turn++) {
      await page.mouse.wheel(0, step);
      await page.evaluate('new Promise(requestAnimationFrame)');
    }
  }
}
