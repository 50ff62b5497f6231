import { pathToFileURL } from 'node:url';
import { installPackage, placesOnPath, starts } from './debian-package.ts';

const howTo = [
  'The tests with NATS need nats-server (2.9 or newer), and there is none on this machine. One of these gives them one:',
  '  - install it with the system (Debian: apt-get install nats-server; macOS: brew install nats-server), then try again;',
  '  - NATS_SERVER_PATH=/path/to/nats-server if it stands somewhere else.',
].join('\n');

/**
 * The nats-server for tests and measurements: `NATS_SERVER_PATH`, else the one on PATH or in /usr/sbin, else null. Throws
 * when `NATS_SERVER_PATH` names something that does not start.
 */
function findNatsServer(): string | null {
  const chosen = process.env.NATS_SERVER_PATH;
  if (chosen !== undefined && chosen !== '') {
    if (starts(chosen)) return chosen;
    throw new Error(`NATS_SERVER_PATH is ${chosen}, which does not start: name the nats-server executable`);
  }
  // Debian's stands in a folder that is not on everybody's PATH.
  const candidates = [...placesOnPath(['nats-server']), '/usr/sbin/nats-server'];
  return candidates.find(starts) ?? null;
}

/**
 * Finds nats-server, or installs it where that needs no question: as root on Debian or Ubuntu.
 * Throws with what to do where neither is possible.
 */
export function ensureNatsServer(): string {
  const found = findNatsServer();
  if (found !== null) return found;
  installPackage({
    name: 'nats-server',
    announcement:
      'There is no nats-server for the tests with NATS: installing the system package with apt-get.',
    howTo,
    unwantedService: 'nats-server',
  });
  const installed = findNatsServer();
  if (installed === null) throw new Error(`apt-get installed no nats-server that starts.\n${howTo}`);
  return installed;
}

/** Before vitest's server tests: once, so that no two of them install it at the same time. */
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
