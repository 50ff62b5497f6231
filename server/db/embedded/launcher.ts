import { type ChildProcess, execFile, type StdioOptions, spawn } from 'node:child_process';
import { lchown, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { type Account, chooseAccount, ownerOf } from './account.ts';
import type { Binaries } from './binaries.ts';
import { codeOf, EmbeddedStartError, wordsOf } from './errors.ts';

const run = promisify(execFile);

/** One way to run PostgreSQL's programs from this process. */
interface Way {
  /** For the log. */
  name: string;
  /** Program and arguments put before the real ones. */
  prefix: string[];
  /** Given to spawn; the prefix ways drop their rights themselves. */
  ids: Partial<Account>;
  /** Who has to own the files; undefined when that is whoever runs Forage. */
  owner: Account | undefined;
}

/** Runs PostgreSQL's programs as an account they accept, able to reach their own files and the database's. */
export interface Launcher {
  way: string;
  /** PostgreSQL's version, as the programs say: `18.4`. */
  version: string;
  spawn(program: string, args: string[], stdio: StdioOptions): ChildProcess;
  /** Gives a file or folder with all that is in it to the database's account, if it is not its already. */
  give(path: string): Promise<void>;
}

/**
 * Finds a way to run PostgreSQL here. An ordinary user just runs it. Root has to hand it to another account, which often
 * cannot enter the folders above the programs or the data (a checkout under /root, a `mktemp -d`). In order, and never by
 * loosening the modes of folders:
 * 1. as that account, with no privileges at all, where everything can be reached;
 * 2. by setpriv(1) with one capability kept, to read and search any folder; containers withhold that one but not
 *    dac_override, the next. `no_setuid_fixup` makes access(2) heed the capability, by which PostgreSQL checks its programs.
 *
 * @throws EmbeddedStartError when none of them works.
 */
export async function findLauncher(dataDir: string, folder: string, binaries: Binaries): Promise<Launcher> {
  const failures: string[] = [];
  for (const way of await ways(dataDir, folder)) {
    try {
      return makeLauncher(way, binaries, await probe(way, dataDir, binaries));
    } catch (error) {
      failures.push(`${way.name}: ${reason(error)}`);
    }
  }
  throw new EmbeddedStartError(
    `PostgreSQL cannot be run for DATA_DIR ${dataDir} (${failures.join('; ')}): start Forage as an ordinary user, ` +
      'or set DATABASE_URL to a PostgreSQL server of your own',
  );
}

async function ways(dataDir: string, folder: string): Promise<Way[]> {
  if (process.getuid?.() !== 0) return [{ name: 'as this user', prefix: [], ids: {}, owner: undefined }];
  const account = await chooseAccount([folder, dataDir]);
  if (!account) {
    throw new EmbeddedStartError(
      'PostgreSQL does not run as root, and there is no account "postgres" or "nobody" to run it as: start Forage as an ordinary user',
    );
  }
  const { uid, gid } = account;
  const capable = (capability: string): Way => ({
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

/** What the program itself said, or why it could not be run. */
function reason(error: unknown): string {
  const said = error instanceof Error && 'stderr' in error ? String(error.stderr).trim() : '';
  return said.split('\n').at(-1) || wordsOf(error);
}

/** Enters the data folder and runs `postgres --version` that way. Returns the version. */
async function probe(way: Way, dataDir: string, binaries: Binaries): Promise<string> {
  const script = ['/bin/sh', '-c', 'cd "$1" && exec "$2" --version', 'sh', dataDir, binaries.postgres];
  const command =
    process.platform === 'win32' ? [binaries.postgres, '--version'] : [...way.prefix, ...script];
  const [file = '', ...args] = command;
  const { stdout, stderr } = await run(file, args, { ...way.ids, cwd: '/', env: environment(binaries) });
  // PostgreSQL says on stderr, and ends well, if it cannot read its own program; it would not start.
  if (stderr.trim() !== '') throw new Error(stderr);
  const version = /\(PostgreSQL\) (\S+)/.exec(stdout)?.[1];
  if (version === undefined) throw new Error(`unexpected answer "${stdout.trim()}"`);
  return version;
}

function makeLauncher(way: Way, binaries: Binaries, version: string): Launcher {
  return {
    way: way.name,
    version,
    spawn(program, args, stdio) {
      const [file = program, ...rest] = [...way.prefix, program, ...args];
      // A session of its own: Ctrl-C in the terminal is for Forage, which stops the database when it is done with it.
      return spawn(file, rest, { ...way.ids, cwd: '/', env: environment(binaries), stdio, detached: true });
    },
    async give(path) {
      const owner = await ownerOf(path);
      if (way.owner && owner && owner.uid !== way.owner.uid) await chownAll(path, way.owner);
    },
  };
}

/** Nothing of Forage's environment (settings of libpq, secrets) goes to the database's processes. */
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
  // Last, because its owner is what tells a finished hand-over from an interrupted one.
  await lchown(path, owner.uid, owner.gid);
}
