import { pathToFileURL } from 'node:url';
import { installPackage, pathsOf, starts } from './debian-package.ts';

const howTo = [
  'The tests need nats-server (2.9 or newer), which was not found. Do one of the following:',
  '  - install it (Debian: apt-get install nats-server; macOS: brew install nats-server);',
  '  - set NATS_SERVER_PATH=/path/to/nats-server.',
].join('\n');

/**
 * The nats-server for tests and measurements: `NATS_SERVER_PATH`, else the one on PATH or in /usr/sbin, else null. Throws
 * when `NATS_SERVER_PATH` names something that does not start.
 */
function findNatsServer(): string | null {
  const chosen = process.env.NATS_SERVER_PATH;
  if (chosen !== undefined && chosen !== '') {
    if (starts(chosen)) return chosen;
    throw new Error(`NATS_SERVER_PATH=${chosen} does not start. Set it to the nats-server executable.`);
  }
  // Debian installs it in a folder that may not be on PATH.
  const candidates = [...pathsOf(['nats-server']), '/usr/sbin/nats-server'];
  return candidates.find(starts) ?? null;
}

/** The path of nats-server. As root on Debian or Ubuntu it is installed if missing; elsewhere throws with how to install it. */
export function ensureNatsServer(): string {
  const found = findNatsServer();
  if (found !== null) return found;
  installPackage({
    name: 'nats-server',
    announcement: 'The tests need nats-server: installing it with apt-get.',
    howTo,
    unwantedService: 'nats-server',
  });
  const installed = findNatsServer();
  if (installed === null) throw new Error(`The installed nats-server does not start.\n${howTo}`);
  return installed;
}

/** Vitest's global setup: once, so that two tests do not install it at the same time. */
export const setup = (): void => {
  ensureNatsServer();
};

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  try {
    console.log(ensureNatsServer());
  } catch (error) {
    console.error(error instanceof Error ? error.message : error);
    process.exitCode = 1;
  }
}
