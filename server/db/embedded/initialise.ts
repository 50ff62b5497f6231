import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdir, mkdtemp, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import type { Binaries } from './binaries.ts';
import { codeOf, EmbeddedStartError } from './errors.ts';
import { createOnce, readIfExists, syncFolder } from './files.ts';
import type { Launcher } from './launcher.ts';
import { processExists } from './postmaster.ts';

/** Takes the lock and creates the product's role and database. */
export const SUPERUSER = 'postgres';
const UNFINISHED = 'postgres.init-';

/**
 * Reads the password of the database's roles from `<dataDir>/postgres.password`, which the first start creates (mode 0600).
 * Concurrent first starts get the same password.
 * @throws EmbeddedStartError when the file of an existing database is missing or damaged
 */
export async function ensurePassword(dataDir: string, folder: string, launcher: Launcher): Promise<string> {
  const file = join(dataDir, 'postgres.password');
  const existing = await readIfExists(file);
  if (existing !== undefined) return checked(existing, file);
  if ((await readIfExists(join(folder, 'PG_VERSION'))) !== undefined) {
    throw new EmbeddedStartError(
      `${file} is missing, and the database cannot be opened without it; restore the file from a backup`,
    );
  }

  await createOnce(file, `${randomBytes(24).toString('hex')}\n`, launcher.give);
  return checked(await readFile(file, 'utf8'), file);
}

/**
 * Creates the database's files in `folder` if there are none: UTF-8, sorted by code point on every machine, SCRAM passwords,
 * page checksums. Works in a temporary folder and renames it, so that an interrupted or concurrent first start does no harm.
 * @throws EmbeddedStartError when initdb fails, or the files are of another major version
 */
export async function ensureCluster(
  dataDir: string,
  folder: string,
  binaries: Binaries,
  launcher: Launcher,
  password: string,
): Promise<void> {
  await removeUnfinished(dataDir);
  const found = await readIfExists(join(folder, 'PG_VERSION'));
  const major = launcher.version.split('.')[0];
  if (found !== undefined) {
    if (found.trim() === major) return launcher.give(folder);
    throw new EmbeddedStartError(
      `DATA_DIR ${dataDir} holds a database of PostgreSQL ${found.trim()}, and this Forage uses PostgreSQL ${major}; ` +
        'back it up with the version that created it (npm run backup) and restore it into a new folder',
    );
  }
  const temporary = await mkdtemp(join(dataDir, `${UNFINISHED}${process.pid}-`));
  const made = join(temporary, 'postgres');
  const passwordFile = join(temporary, 'password');
  try {
    await mkdir(made, { mode: 0o700 });
    await writeFile(passwordFile, password, { mode: 0o600 });
    await launcher.give(temporary);
    await launcher.give(made);
    await launcher.give(passwordFile);
    await runInitdb(made, passwordFile, binaries, launcher, dataDir);
    await rename(made, folder).catch((error) => {
      // Another server finished first.
      if (codeOf(error) !== 'ENOTEMPTY' && codeOf(error) !== 'EEXIST') throw error;
    });
    await syncFolder(dataDir);
  } finally {
    await rm(temporary, { recursive: true, force: true });
  }
}

async function runInitdb(
  made: string,
  passwordFile: string,
  binaries: Binaries,
  launcher: Launcher,
  dataDir: string,
): Promise<void> {
  const args = [
    `--pgdata=${made}`,
    `--username=${SUPERUSER}`,
    `--pwfile=${passwordFile}`,
    '--auth=scram-sha-256',
    '--encoding=UTF8',
    '--locale=C',
    '--locale-provider=builtin',
    '--builtin-locale=C.UTF-8',
    '--no-instructions',
  ];
  const child = launcher.spawn(binaries.initdb, args, ['ignore', 'ignore', 'pipe']);
  const [output, [code]] = await Promise.all([child.stderr ? text(child.stderr) : '', once(child, 'close')]);
  if (code !== 0) {
    const reason = output.split('\n').find((line) => /error|fatal|panic|could not/i.test(line)) ?? output;
    throw new EmbeddedStartError(
      `Cannot create the embedded database in DATA_DIR ${dataDir} (${reason.trim()}); check the free space and the ` +
        'permissions of the folder',
    );
  }
}

/** Removes the folders of first starts that were interrupted. */
async function removeUnfinished(dataDir: string): Promise<void> {
  for (const name of await readdir(dataDir)) {
    const pid = name.startsWith(UNFINISHED) ? Number(name.slice(UNFINISHED.length).split('-')[0]) : undefined;
    if (pid === undefined || (processExists(pid) && (await isRecent(join(dataDir, name))))) continue;
    // An orphaned initdb may still be writing there; the next start removes the rest.
    await rm(join(dataDir, name), { recursive: true, force: true }).catch(() => undefined);
  }
}

/** The process id of an old folder may belong to another process now. */
async function isRecent(path: string): Promise<boolean> {
  const found = await stat(path).catch(() => undefined);
  return found !== undefined && Date.now() - found.mtimeMs < 10 * 60_000;
}

function checked(content: string, file: string): string {
  const password = content.trim();
  if (/^[0-9a-f]{32,}$/.test(password)) return password;
  throw new EmbeddedStartError(
    `${file} does not contain the password that Forage wrote there; restore the file from a backup`,
  );
}
