import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Page } from 'playwright/test';
import { type Api, apiAt, signedIn } from '../scripts/api.ts';
import { root } from '../scripts/run.ts';
import { type ServerProcess, startServer } from '../scripts/server-process.ts';
import { test as base, expect, password } from './fixtures.ts';

export { expect, password };

interface ProviderProcess {
  readonly issuer: string;
  stop(): Promise<void>;
}

/** The client of `e2e/oidc-provider.ts`. */
const CLIENT = { id: 'forage', secret: 'a-secret-of-the-tests' };

/** Starts a provider that redirects to servers at these addresses. */
async function startProvider(...urls: readonly string[]): Promise<ProviderProcess> {
  const redirectUris = urls.flatMap((url) =>
    ['acme', 'strict'].map((id) => `${url}/auth/oidc/${id}/callback`),
  );
  const child = spawn(process.execPath, ['e2e/oidc-provider.ts', ...redirectUris], {
    cwd: root,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const ended = new Promise<void>((done) => child.on('close', () => done()));
  const printed: string[] = [];
  const issuer = await new Promise<string>((ready, failed) => {
    for (const stream of [child.stdout, child.stderr]) {
      createInterface(stream).on('line', (line) => {
        printed.push(line);
        const address = /^Provider at (\S+)$/.exec(line)?.[1];
        if (address !== undefined) ready(address);
      });
    }
    child.on('close', () => failed(new Error(`The provider did not start:\n${printed.join('\n')}`)));
  });
  return {
    issuer,
    async stop() {
      child.kill('SIGTERM');
      await ended;
    },
  };
}

async function freePort(): Promise<number> {
  const probe = createServer();
  await new Promise<void>((ready) => probe.listen(0, '127.0.0.1', ready));
  const address = probe.address();
  await new Promise<void>((closed) => probe.close(() => closed()));
  return typeof address === 'object' && address !== null ? address.port : 0;
}

/** A server with the providers `acme` ("Acme accounts") and `strict` ("Strict"), which allows example.com only. */
export interface SignInServer extends ServerProcess {
  /** The API as the first admin, who has a password. */
  readonly founder: Api;
}

async function startBoth(
  folder: string,
  environment: NodeJS.ProcessEnv,
): Promise<{ server: ServerProcess; stop: () => Promise<void> }> {
  const port = await freePort();
  const provider = await startProvider(`http://127.0.0.1:${port}`);
  const describe = (id: string, name: string) => ({
    [`OIDC_${id}_ISSUER`]: provider.issuer,
    [`OIDC_${id}_CLIENT_ID`]: CLIENT.id,
    [`OIDC_${id}_CLIENT_SECRET`]: CLIENT.secret,
    [`OIDC_${id}_NAME`]: name,
  });
  try {
    const server = await startServer(folder, {
      FORAGE_REGISTRATION: 'open',
      DATABASE_URL: '',
      PORT: String(port),
      OIDC_PROVIDERS: 'acme,strict',
      ...describe('ACME', 'Acme accounts'),
      ...describe('STRICT', 'Strict'),
      OIDC_STRICT_ALLOWED_DOMAINS: 'example.com',
      ...environment,
    });
    const stop = async () => {
      await server.stop();
      await provider.stop();
    };
    return { server, stop };
  } catch (error) {
    await provider.stop();
    throw error;
  }
}

const inFolder = async (work: (folder: string) => Promise<void>) => {
  const folder = mkdtempSync(join(tmpdir(), 'forage-e2e-'));
  await work(folder).finally(() => rmSync(folder, { recursive: true, force: true }));
};

/** A server and its provider per worker, and a server per test with passwords disabled. */
export const test = base.extend<{ passwordless: ServerProcess }, { signInServer: SignInServer }>({
  signInServer: [
    // biome-ignore lint/correctness/noEmptyPattern: Playwright requires this pattern
    async ({}, use) => {
      await inFolder(async (folder) => {
        const { server, stop } = await startBoth(folder, {});
        try {
          const username = 'founder';
          const token = server.setUpToken ?? '';
          const email = 'founder@example.com';
          await apiAt(server.url).sessions.setUp({ token, organisation: 'first', username, email, password });
          await use({ ...server, founder: await signedIn(server.url, username, password) });
        } finally {
          await stop();
        }
      });
    },
    { scope: 'worker', timeout: 180_000 },
  ],

  // biome-ignore lint/correctness/noEmptyPattern: Playwright requires this pattern
  passwordless: async ({}, use) => {
    await inFolder(async (folder) => {
      const { server, stop } = await startBoth(folder, { PASSWORD_SIGN_IN: 'off' });
      await use(server).finally(stop);
    });
  },
});

/** Signs in and consents on the provider's pages. */
export async function consent(page: Page, login: string): Promise<void> {
  await page.getByPlaceholder('Enter any login').fill(login);
  await page.getByPlaceholder('and password').fill('any');
  await page.getByRole('button', { name: 'Sign-in' }).click();
  await page.getByRole('button', { name: 'Continue' }).click();
}

let made = 0;
/** An unused login. */
export const someone = (word = 'ada') => `${word}-${process.pid}-${Date.now().toString(36)}-${made++}`;
