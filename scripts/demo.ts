// `npm run demo`: the server on loopback with registration open, filled through its own API; see scripts/demo/.
import { fork } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { flushCompileCache } from 'node:module';
import { join } from 'node:path';
import { startApp } from '#server/app.ts';
import { readConfig } from '#server/config.ts';
import { wordsForStart } from '#server/start-failure.ts';
import { ensureBuilt } from './build.ts';

const environment = {
  ...process.env,
  // The passwords are printed: nobody else's machine is to reach it.
  HOST: '127.0.0.1',
  DATA_DIR: process.env.DATA_DIR || './data/demo',
  FORAGE_REGISTRATION: 'open',
  LOG_LEVEL: process.env.LOG_LEVEL || 'warn',
};

/** Fills the server in a process of its own; resolves with that process's exit code. */
function fill(url: string, dataDir: string, setUpToken: string | null): Promise<number> {
  const seed = fork(new URL('./demo/seed.ts', import.meta.url), {
    env: {
      ...process.env,
      DEMO_URL: url,
      DEMO_NOTEBOOK: join(dataDir, 'demo.json'),
      DEMO_SET_UP_TOKEN: setUpToken ?? '',
    },
  });
  return new Promise((done) => seed.on('exit', (code) => done(code ?? 1)));
}

try {
  await ensureBuilt();
  const config = readConfig(environment);
  mkdirSync(config.dataDir, { recursive: true, mode: 0o711 });
  const app = await startApp(config);
  let stopping = false;
  const stop = async (code: number) => {
    if (stopping) process.exit(code);
    stopping = true;
    await app.stop();
    process.exit(code);
  };
  process.on('SIGINT', () => stop(0));
  process.on('SIGTERM', () => stop(0));
  app.lost.then((reason) => {
    console.error(reason.message);
    return stop(1);
  });
  flushCompileCache();
  console.log(`Forage is started on ${app.url}; its demo is being filled in.`);
  const code = await fill(app.url, config.dataDir, app.setUpToken);
  if (code !== 0 && !stopping) await stop(code);
} catch (error) {
  console.error(wordsForStart(error) ?? error);
  process.exit(1);
}
