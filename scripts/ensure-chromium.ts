import { pathToFileURL } from 'node:url';
import { chromium } from 'playwright';
import { installPackage, pathsOf, starts } from './debian-package.ts';

// The first has no window to draw, and runs the browser tests in two thirds of the time.
const names = [
  'chromium-headless-shell',
  'chromium',
  'chromium-browser',
  'google-chrome',
  'google-chrome-stable',
];
/** The Debian packages that have one; Ubuntu has only the second. */
const packages = ['chromium-headless-shell', 'chromium'];
const applications = [
  '/Applications/Chromium.app/Contents/MacOS/Chromium',
  '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
];

/**
 * The Chromium for browser tests: `CHROMIUM_PATH`, else the system's, else Playwright's, else null. Throws when
 * `CHROMIUM_PATH` does not start.
 */
function findChromium(): string | null {
  const chosen = process.env.CHROMIUM_PATH;
  if (chosen !== undefined && chosen !== '') {
    if (starts(chosen)) return chosen;
    throw new Error(`CHROMIUM_PATH=${chosen} does not start. Set it to the browser's executable.`);
  }
  // Ubuntu's chromium-browser may be a script that only recommends a snap; it prints no version.
  const candidates = [...pathsOf(names), ...applications, chromium.executablePath()];
  return candidates.find(starts) ?? null;
}

const howTo = [
  'The browser tests need Chromium, which was not found. Do one of the following:',
  '  - install it (Debian: apt-get install chromium-headless-shell);',
  '  - npx playwright install --with-deps chromium;',
  '  - set CHROMIUM_PATH=/path/to/chromium (or chrome).',
].join('\n');

/** The path of Chromium. As root on Debian or Ubuntu it is installed if missing; elsewhere throws with how to install it. */
export function ensureChromium(): string {
  const found = findChromium();
  if (found !== null) return found;
  const announcement = 'The browser tests need Chromium: installing it with apt-get.';
  for (const name of packages) {
    try {
      installPackage({ name, announcement, howTo });
      break;
    } catch (error) {
      if (name === packages.at(-1)) throw error;
    }
  }
  const installed = findChromium();
  if (installed === null) throw new Error(`The installed Chromium does not start.\n${howTo}`);
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
