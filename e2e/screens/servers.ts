import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type RunningDemo, withDemo } from '../../scripts/demo-process.ts';
import { startServer } from '../../scripts/server-process.ts';
import { ownTemporaryFolder } from '../../scripts/temporary-run.ts';

const VARIABLE = 'FORAGE_SCREENS';

/** What the tests look at: the demo, and a server that is not set up yet. */
interface Servers {
  readonly demo: Pick<RunningDemo, 'url' | 'passwords'>;
  readonly setUpAddress: string;
}

export const servers = (): Servers => JSON.parse(process.env[VARIABLE] ?? '{}') as Servers;

/** The global setup: one demo for all workers, as the tests change nothing in it. Returns what ends it. */
export default async function startServers(): Promise<() => Promise<void>> {
  ownTemporaryFolder();
  process.env.RATE_LIMIT_PER_MINUTE = '0';
  const empty = await startServer(mkdtempSync(join(tmpdir(), 'forage-screens-')), { DATABASE_URL: '' });
  const stop = Promise.withResolvers<void>();
  const started = Promise.withResolvers<void>();
  const ended = withDemo(async (demo) => {
    const setUpAddress = `${empty.url}/set-up?token=${empty.setUpToken}`;
    process.env[VARIABLE] = JSON.stringify({ demo, setUpAddress } satisfies Servers);
    started.resolve();
    await stop.promise;
  });
  await Promise.race([started.promise, ended]);
  return async () => {
    stop.resolve();
    await ended;
    await empty.stop();
  };
}
