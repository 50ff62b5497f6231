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

/** Opens a signed-in page with its own cookies and cache, slowed down. */
export async function openPage(browser: Browser, url: string, slow: Slowness): Promise<Page> {
  const context = await browser.newContext({ viewport: { width: 1280, height: 900 } });
  const answer = await context.request.post(`${url}/forest.v1.SessionService/SignIn`, {
    data: { identifier: reader, password },
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
