import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { pathToFileURL } from 'node:url';
import { root, run } from './run.ts';

const sources = [
  'src',
  'domain',
  'index.html',
  'vite.config.ts',
  'tailwind.config.ts',
  'package-lock.json',
  'scripts/plain-descriptors.ts',
  'scripts/precompress.ts',
];
const stamp = join(root, 'dist/.built-from');

function filesOf(path: string): string[] {
  if (!existsSync(path)) return [];
  if (statSync(path).isFile()) return [path];
  return readdirSync(path, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .sort();
}

/** A hash of the content of everything that the dashboard is built from; a checkout does not keep file times. */
function fingerprint(): string {
  const hash = createHash('sha256');
  for (const path of sources.flatMap((source) => filesOf(join(root, source)))) {
    if (/\.test\.tsx?$/.test(path)) continue;
    hash
      .update(`${relative(root, path)}\0`)
      .update(readFileSync(path))
      .update('\0');
  }
  return hash.digest('hex');
}

/** Builds the dashboard into dist/. Throws with the build's output when it fails. */
export async function build(): Promise<void> {
  const from = fingerprint();
  // A test runner sets NODE_ENV=test, and Vite would then build React's slow development version.
  const { code, output, seconds } = await run([process.execPath, 'node_modules/vite/bin/vite.js', 'build'], {
    NODE_ENV: 'production',
  });
  if (code !== 0) throw new Error(`The dashboard's build failed:\n${output}`);
  writeFileSync(stamp, from);
  console.log(`Built the dashboard (${seconds.toFixed(1)} s).`);
}

/** Builds the dashboard when dist/ is missing or out of date. */
export async function ensureBuilt(): Promise<void> {
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === fingerprint()) return;
  if (!existsSync(join(root, 'node_modules/vite')) && existsSync(join(root, 'dist/index.html'))) {
    // Installed without development tools: dist/ was copied.
    return;
  }
  await build();
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  try {
    await build();
  } catch (error) {
    console.error(error instanceof Error ? error.message : error);
    process.exitCode = 1;
  }
}
