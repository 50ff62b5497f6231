import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';

/** The possible paths of these programs, in the order of PATH. */
export function pathsOf(names: readonly string[]): string[] {
  const folders = (process.env.PATH ?? '').split(delimiter).filter((folder) => folder !== '');
  return names.flatMap((name) => folders.map((folder) => join(folder, name)));
}

/** Whether the program exists and prints its version. */
export function starts(path: string): boolean {
  return (
    existsSync(path) && spawnSync(path, ['--version'], { stdio: 'ignore', timeout: 20_000 }).status === 0
  );
}

/** Whether packages can be installed without a prompt: as root on Debian or Ubuntu. */
function canInstall(): boolean {
  return process.getuid?.() === 0 && existsSync('/etc/debian_version') && existsSync('/usr/bin/apt-get');
}

interface Package {
  /** The package's name in Debian and Ubuntu. */
  readonly name: string;
  /** Printed before the output of apt-get: what is missing, and what needs it. */
  readonly announcement: string;
  /** How to install it by hand. */
  readonly howTo: string;
  /** A service of the package that is not needed: stopped where systemd runs. */
  readonly unwantedService?: string;
}

/** Installs a system package if that needs no prompt. Otherwise, and on failure, throws with how to install it. */
export function installPackage({ name, announcement, howTo, unwantedService }: Package): void {
  if (!canInstall()) throw new Error(howTo);
  console.log(announcement);
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  // Waits for another apt-get.
  const lock = ['-o', 'DPkg::Lock::Timeout=300'];
  for (const args of [['update'], ['install', '-y', '--no-install-recommends', name]]) {
    const { status } = spawnSync('apt-get', [...lock, ...args], { stdio: 'inherit', env });
    if (status !== 0) throw new Error(`apt-get ${args.join(' ')} failed.\n${howTo}`);
  }
  if (unwantedService !== undefined && existsSync('/run/systemd/system')) {
    spawnSync('systemctl', ['disable', '--now', unwantedService], { stdio: 'inherit' });
  }
}

/** Installs a missing command for the tests of examples/. Throws with how to install it by hand if that fails. */
export function ensureTool(name: string): void {
  if (pathsOf([name]).some(starts)) return;
  installPackage({
    name,
    announcement: `Installing ${name} with apt-get: the tests of examples/ use it.`,
    howTo: `The tests of examples/ use ${name}. Install it with the package manager of this system.`,
  });
}
