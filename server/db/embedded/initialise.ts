import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { link, mkdir, mkdtemp, open, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import type { Binaries } from './binaries.ts';
import { codeOf, EmbeddedStartError } from './errors.ts';
import type { Launcher } from './launcher.ts';
import { processExists } from './postmaster.ts';

/** The superuser, used for the lock and for making the database; the product itself connects as a lesser role. */
export const SUPERUSER = 'postgres';
const UNFINISHED = 'postgres.init-';

/**
 * The password of the embedded database's roles, from `<dataDir>/postgres.password` (mode 0600); made on the first start.
 * Of two first starts at the same moment both get the same one.
 *
 * @throws EmbeddedStartError when the file is lost or damaged and a database made with it is there.
 */
export async function ensurePassword(dataDir: string, folder: string, launcher: Launcher): Promise<string> {
  const file = join(dataDir, 'postgres.password');
  const existing = await readOptional(file);
  if (existing !== undefined) return checked(existing, file);
  if ((await readOptional(join(folder, 'PG_VERSION'))) !== undefined) {
    throw new EmbeddedStartError(
      `${file} is missing, without which the database beside it cannot be opened: restore the file from a backup`,
    );
  }

  // Written aside and linked into place: nobody sees half a password, and the first one stays.
  const aside = `${file}.${process.pid}`;
  await writeFile(aside, `${randomBytes(24).toString('hex')}\n`, { mode: 0o600, flush: true });
  await launcher.give(aside);
  await link(aside, file).catch((error) => {
    if (codeOf(error) !== 'EEXIST') throw error;
  });
  await rm(aside, { force: true });
  return checked(await readFile(file, 'utf8'), file);
}

/**
 * Makes the database's files in `folder` if they are not there: UTF-8, sorted by code point on every machine, SCRAM
 * passwords, page checksums. The work is done in a folder beside it and renamed, so an interrupted first start leaves
 * nothing that looks finished, and of two first starts one wins.
 *
 * @throws EmbeddedStartError when initdb fails, or the files are of another major version.
 */
export async function ensureCluster(
  dataDir: string,
  folder: string,
  binaries: Binaries,
  launcher: Launcher,
  password: string,
): Promise<void> {
  await removeUnfinished(dataDir);
  const found = await readOptional(join(folder, 'PG_VERSION'));
  const major = launcher.version.split('.')[0];
  if (found !== undefined) {
    if (found.trim() === major) return launcher.give(folder);
    throw new EmbeddedStartError(
      `DATA_DIR ${dataDir} holds a database of PostgreSQL ${found.trim()}, and this Forage brings PostgreSQL ${major}: ` +
        'back it up with the version that made it (npm run backup) and restore it into a new folder',
    );
  }
  const workshop = await mkdtemp(join(dataDir, `${UNFINISHED}${process.pid}-`));
  const made = join(workshop, 'postgres');
  const passwordFile = join(workshop, 'password');
  try {
    await mkdir(made, { mode: 0o700 });
    await writeFile(passwordFile, password, { mode: 0o600 });
    await launcher.give(workshop);
    await launcher.give(made);
    await launcher.give(passwordFile);
    await runInitdb(made, passwordFile, binaries, launcher, dataDir);
    await rename(made, folder).catch((error) => {
      // Another server finished first: its files are as good.
      if (codeOf(error) !== 'ENOTEMPTY' && codeOf(error) !== 'EEXIST') throw error;
    });
    await syncFolder(dataDir);
  } finally {
    await rm(workshop, { recursive: true, force: true });
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
  const [said, [code]] = await Promise.all([words(child.stderr), once(child, 'close')]);
  if (code !== 0) {
    const reason = said.split('\n').filter((line) => /error|fatal|panic|could not/i.test(line))[0] ?? said;
    throw new EmbeddedStartError(
      `The embedded database cannot be made in DATA_DIR ${dataDir} (${reason.trim()}): check that there is room and that ` +
        'the folder can be written to',
    );
  }
}

async function words(stream: Readable | null): Promise<string> {
  return stream ? text(stream) : '';
}

/** Folders of first starts that did not finish and whose process is gone. */
async function removeUnfinished(dataDir: string): Promise<void> {
  for (const name of await readdir(dataDir)) {
    const pid = name.startsWith(UNFINISHED) ? Number(name.slice(UNFINISHED.length).split('-')[0]) : undefined;
    if (pid === undefined || (processExists(pid) && (await isRecent(join(dataDir, name))))) continue;
    // An initdb that outlived its Forage may still be writing there; then the next start removes the rest.
    await rm(join(dataDir, name), { recursive: true, force: true }).catch(() => undefined);
  }
}

/** An old one is nobody's any more, even if its process number has been given to another process. */
async function isRecent(path: string): Promise<boolean> {
  const found = await stat(path).catch(() => undefined);
  return found !== undefined && Date.now() - found.mtimeMs < 10 * 60_000;
}

async function syncFolder(path: string): Promise<void> {
  if (process.platform === 'win32') return;
  const handle = await open(path, 'r');
  await handle.sync().finally(() => handle.close());
}

function checked(content: string, file: string): string {
  const password = content.trim();
  if (/^[0-9a-f]{32,}$/.test(password)) return password;
  throw new EmbeddedStartError(
    `${file} does not hold the password that Forage wrote there: restore the file from a backup`,
  );
}

async function readOptional(file: string): Promise<string | undefined> {
  return readFile(file, 'utf8').catch((error) => {
    if (codeOf(error) === 'ENOENT') return undefined;
    throw error;
  });
}
