// `npm run demo`: starts the server on loopback with registration open and fills it through its own API (scripts/demo/).
import { type ChildProcess, fork } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { flushCompileCache } from 'node:module';
import { join } from 'node:path';
import { startApp } from '#server/app.ts';
import { readConfig } from '#server/config.ts';
import { startFailureMessage } from '#server/start-failure.ts';
import { onStopSignal } from '#server/stop-signals.ts';
import { ensureBuilt } from './build.ts';

const environment = {
  ...process.env,
  // The passwords are printed, so only this machine may connect.
  HOST: '127.0.0.1',
  DATA_DIR: process.env.DATA_DIR || './data/demo',
  FORAGE_REGISTRATION: 'open',
  LOG_LEVEL: process.env.LOG_LEVEL || 'warn',
};

let seed: ChildProcess | null = null;

/** Fills the server with example data, in a separate process so that the server stays small. Resolves with its exit code. */
function fill(url: string, dataDir: string, setUpToken: string | null): Promise<number> {
  seed = fork(new URL('./demo/seed.ts', import.meta.url), {
    env: {
      ...process.env,
      DEMO_URL: url,
      DEMO_STATE: join(dataDir, 'demo.json'),
      DEMO_SET_UP_TOKEN: setUpToken ?? '',
    },
  });
  return new Promise((done) => seed?.on('exit', (code) => done(code ?? 1)));
}

try {
  await ensureBuilt();
  const config = readConfig(environment);
  mkdirSync(config.dataDir, { recursive: true, mode: 0o711 });
  const starting = startApp(config);
  let stopping = false;
  const stop = async (code: number) => {
    if (stopping) return;
    stopping = true;
    seed?.kill();
    await starting.then((app) => app.stop());
    process.exit(code);
  };
  onStopSignal(() => stop(0));
  const app = await starting;
  app.lost.then((reason) => {
    console.error(reason.message);
    return stop(1);
  });
  flushCompileCache();
  console.log(`Forage is started on ${app.url}. Creating the demo data…`);
  const code = await fill(app.url, config.dataDir, app.setUpToken);
  if (code !== 0 && !stopping) await stop(code);
} catch (error) {
  console.error(startFailureMessage(error) ?? error);
  process.exit(1);
}
