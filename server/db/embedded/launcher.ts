import { type ChildProcess, execFile, type StdioOptions, spawn } from 'node:child_process';
import { lchown, readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { Binaries } from './binaries.ts';
import { codeOf, EmbeddedStartError, messageOf } from './errors.ts';

const run = promisify(execFile);

/** The user and group that own the database's files and run its processes. */
interface Account {
  uid: number;
  gid: number;
}

/** One way to run PostgreSQL's programs from this process. */
interface RunMode {
  /** For the log. */
  name: string;
  /** Program and arguments put before the real ones. */
  prefix: string[];
  /** Passed to spawn; empty if a prefix changes the user. */
  ids: Partial<Account>;
  /** The required owner of the files; undefined for the user who runs Forage. */
  owner: Account | undefined;
}

/** Runs PostgreSQL's programs as an account that they accept and that can reach their files. */
export interface Launcher {
  mode: string;
  /** PostgreSQL's version, such as `18.4`. */
  version: string;
  spawn(program: string, args: string[], stdio: StdioOptions): ChildProcess;
  /** Makes the database's account the owner of a file or folder and its contents. */
  give(path: string): Promise<void>;
}

/**
 * Finds a way to run PostgreSQL. An ordinary user runs it directly. As root it needs another account, which often cannot enter
 * the folders above the programs or the data (a checkout under /root). No permissions are changed; in order:
 * 1. as that account without privileges;
 * 2. by setpriv(1) with one capability that reads any folder: dac_read_search, or dac_override, which containers allow.
 *    `no_setuid_fixup` makes access(2), which PostgreSQL uses, respect the capability.
 * @throws EmbeddedStartError when none of them works
 */
export async function findLauncher(dataDir: string, folder: string, binaries: Binaries): Promise<Launcher> {
  const failures: string[] = [];
  for (const mode of await runModes(dataDir, folder)) {
    try {
      return makeLauncher(mode, binaries, await probe(mode, dataDir, binaries));
    } catch (error) {
      failures.push(`${mode.name}: ${reason(error)}`);
    }
  }
  throw new EmbeddedStartError(
    `PostgreSQL cannot run in DATA_DIR ${dataDir} (${failures.join('; ')}); start Forage as an ordinary user, ` +
      'or set DATABASE_URL to your own PostgreSQL',
  );
}

async function runModes(dataDir: string, folder: string): Promise<RunMode[]> {
  if (process.getuid?.() !== 0) return [{ name: 'as this user', prefix: [], ids: {}, owner: undefined }];
  const account = await chooseAccount([folder, dataDir]);
  if (!account) {
    throw new EmbeddedStartError(
      'PostgreSQL does not run as root, and there is no account "postgres" or "nobody"; start Forage as an ordinary user',
    );
  }
  const { uid, gid } = account;
  const capable = (capability: string): RunMode => ({
    name: `as user ${uid} with ${capability}`,
    prefix: [
      'setpriv',
      '--securebits=+no_setuid_fixup',
      `--reuid=${uid}`,
      `--regid=${gid}`,
      '--clear-groups',
      `--inh-caps=-all,+${capability}`,
      `--ambient-caps=-all,+${capability}`,
      `--bounding-set=-all,+${capability}`,
      '--no-new-privs',
      '--',
    ],
    ids: {},
    owner: account,
  });
  return [
    { name: `as user ${uid}`, prefix: [], ids: account, owner: account },
    capable('dac_read_search'),
    capable('dac_override'),
  ];
}

/** The last line of the program's error output, or why it could not be run. */
function reason(error: unknown): string {
  const output = error instanceof Error && 'stderr' in error ? String(error.stderr).trim() : '';
  return output.split('\n').at(-1) || messageOf(error);
}

/** Enters the data folder and runs `postgres --version` in that mode. Returns the version. */
async function probe(mode: RunMode, dataDir: string, binaries: Binaries): Promise<string> {
  const script = ['/bin/sh', '-c', 'cd "$1" && exec "$2" --version', 'sh', dataDir, binaries.postgres];
  const command =
    process.platform === 'win32' ? [binaries.postgres, '--version'] : [...mode.prefix, ...script];
  const [file = '', ...args] = command;
  const { stdout, stderr } = await run(file, args, { ...mode.ids, cwd: '/', env: environment(binaries) });
  // If it cannot read its own program it warns, exits with 0, and would not start later.
  if (stderr.trim() !== '') throw new Error(stderr);
  const version = /\(PostgreSQL\) (\S+)/.exec(stdout)?.[1];
  if (version === undefined) throw new Error(`unexpected output "${stdout.trim()}"`);
  return version;
}

function makeLauncher(mode: RunMode, binaries: Binaries, version: string): Launcher {
  return {
    mode: mode.name,
    version,
    spawn(program, args, stdio) {
      const [file = program, ...rest] = [...mode.prefix, program, ...args];
      // Detached from the terminal's Ctrl-C, because Forage must stop before its database.
      return spawn(file, rest, { ...mode.ids, cwd: '/', env: environment(binaries), stdio, detached: true });
    },
    async give(path) {
      const owner = await ownerOf(path);
      if (mode.owner && owner && owner.uid !== mode.owner.uid) await chownAll(path, mode.owner);
    },
  };
}

/** Without the variables of Forage, which contain secrets and settings of libpq. */
function environment(binaries: Binaries): NodeJS.ProcessEnv {
  const { PATH, SystemRoot } = process.env;
  const path = process.platform === 'win32' ? PATH : `${PATH ?? ''}:/usr/sbin:/usr/bin:/sbin:/bin`;
  return { PATH: path, ...(SystemRoot ? { SystemRoot } : {}), TZ: 'UTC', LC_ALL: 'C', ...binaries.env };
}

async function chownAll(path: string, owner: Account): Promise<void> {
  const entries = await readdir(path, { recursive: true }).catch((error) => {
    if (codeOf(error) === 'ENOTDIR') return [];
    throw error;
  });
  for (const entry of entries) await lchown(join(path, entry), owner.uid, owner.gid);
  // Last, because its owner shows that the change of owners was completed.
  await lchown(path, owner.uid, owner.gid);
}

/**
 * The account for PostgreSQL when Forage runs as root: the owner of the first of `paths` that is not root and has an
 * entry in /etc/passwd (initdb requires one), else `postgres`, else `nobody`.
 */
async function chooseAccount(paths: string[]): Promise<Account | undefined> {
  const known = await readAccounts();
  for (const path of paths) {
    const owner = await ownerOf(path);
    if (owner && owner.uid !== 0 && [...known.values()].some((account) => account.uid === owner.uid))
      return owner;
  }
  return known.get('postgres') ?? known.get('nobody');
}

/** The owner of a file or folder; undefined if it does not exist. */
async function ownerOf(path: string): Promise<Account | undefined> {
  try {
    const { uid, gid } = await stat(path);
    return { uid, gid };
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return undefined;
    throw error;
  }
}

async function readAccounts(): Promise<Map<string, Account>> {
  const accounts = new Map<string, Account>();
  const text = await readFile('/etc/passwd', 'utf8').catch(() => '');
  for (const line of text.split('\n')) {
    const [name, , uid, gid] = line.split(':');
    if (name && uid && gid) accounts.set(name, { uid: Number(uid), gid: Number(gid) });
  }
  return accounts;
}
