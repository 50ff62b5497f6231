import { pathToFileURL } from 'node:url';
import { chromium } from 'playwright';
import { installPackage, placesOnPath, starts } from './debian-package.ts';

const names = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable'];
const applications = [
  '/Applications/Chromium.app/Contents/MacOS/Chromium',
  '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
];

/**
 * The Chromium for browser tests: `CHROMIUM_PATH`, else the system's, else the one that Playwright has downloaded, else
 * null. Throws when `CHROMIUM_PATH` names something that does not start.
 */
function findChromium(): string | null {
  const chosen = process.env.CHROMIUM_PATH;
  if (chosen !== undefined && chosen !== '') {
    if (starts(chosen)) return chosen;
    throw new Error(`CHROMIUM_PATH is ${chosen}, which does not start: name the browser's executable`);
  }
  // Ubuntu's chromium-browser is a script that asks for a snap: what cannot say its version is no browser.
  const candidates = [...placesOnPath(names), ...applications, chromium.executablePath()];
  return candidates.find(starts) ?? null;
}

const howTo = [
  'The browser tests need Chromium, and there is none on this machine. One of these gives them one:',
  '  - install it with the system (Debian: apt-get install chromium), then try again;',
  '  - npx playwright install --with-deps chromium;',
  '  - CHROMIUM_PATH=/path/to/chromium (or chrome) if it stands somewhere else.',
].join('\n');

/**
 * Finds Chromium, or installs it where that needs no question: as root on Debian or Ubuntu.
 * Throws with what to do where neither is possible.
 */
export function ensureChromium(): string {
  const found = findChromium();
  if (found !== null) return found;
  installPackage({
    name: 'chromium',
    announcement: 'There is no Chromium for the browser tests: installing the system package with apt-get.',
    howTo,
  });
  const installed = findChromium();
  if (installed === null) throw new Error(`apt-get installed no Chromium that starts.\n${howTo}`);
  return installed;
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  try {
    console.log(ensureChromium());
  } catch (error) {
    console.error(error instanceof Error ? error.message : error);
    process.exitCode = 1;
  }
}
