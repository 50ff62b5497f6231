import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';

/** Each place where one of these programs could stand: the folders of PATH, in their order. */
export function placesOnPath(names: readonly string[]): string[] {
  const folders = (process.env.PATH ?? '').split(delimiter).filter((folder) => folder !== '');
  return names.flatMap((name) => folders.map((folder) => join(folder, name)));
}

/** Whether that program is there and can say its version. */
export function starts(path: string): boolean {
  return (
    existsSync(path) && spawnSync(path, ['--version'], { stdio: 'ignore', timeout: 20_000 }).status === 0
  );
}

/** Whether packages can be installed here without a question: as root on Debian or Ubuntu. */
function canInstall(): boolean {
  return process.getuid?.() === 0 && existsSync('/etc/debian_version') && existsSync('/usr/bin/apt-get');
}

interface Wanted {
  /** The package's name at Debian and Ubuntu. */
  readonly name: string;
  /** What somebody reads before apt-get's own lines: what is missing, and for what. */
  readonly announcement: string;
  /** What to do where it cannot be installed. */
  readonly howTo: string;
  /** A service that comes with the package and is not what is wanted: where systemd runs, it is stopped again. */
  readonly unwantedService?: string;
}

/** Installs a package of the system where that needs no question. Throws with what to do where it cannot, or it fails. */
export function installPackage({ name, announcement, howTo, unwantedService }: Wanted): void {
  if (!canInstall()) throw new Error(howTo);
  console.log(announcement);
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  // Another apt-get that is under way is waited for, and no mistake.
  const patience = ['-o', 'DPkg::Lock::Timeout=300'];
  for (const args of [['update'], ['install', '-y', '--no-install-recommends', name]]) {
    const { status } = spawnSync('apt-get', [...patience, ...args], { stdio: 'inherit', env });
    if (status !== 0) throw new Error(`apt-get ${args.join(' ')} failed.\n${howTo}`);
  }
  if (unwantedService !== undefined && existsSync('/run/systemd/system')) {
    spawnSync('systemctl', ['disable', '--now', unwantedService], { stdio: 'inherit' });
  }
}
