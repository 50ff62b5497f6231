import { execFileSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { root } from './run.ts';

/** The first migration after the release that these tools compare with. */
const FIRST_NEW = 'server/db/migrations/0017_gate_rules.sql';

const git = (...args: readonly string[]): string =>
  execFileSync('git', args, { cwd: root, encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim();

/** The last commit before the fence of the gate's rules. @throws when the clone does not have it */
function earlierCommit(): string {
  try {
    const added = git('log', '--diff-filter=A', '--format=%H', '--', FIRST_NEW).split('\n').at(-1);
    // Empty where the files are no clone; the end of a shallow clone has no parent.
    return git('rev-parse', '--verify', '--quiet', `${added}^`);
  } catch (error) {
    throw new Error(
      `This needs the commit before ${FIRST_NEW} was added, which this clone does not have; fetch the whole history with "git fetch --unshallow"`,
      { cause: error },
    );
  }
}

/**
 * Unpacks the server of the release before the fence into `folder`, and installs its packages, of its own versions, with npm.
 * @returns the folder in which `node server/main.ts` starts it
 * @throws when the clone does not have its commit, or npm cannot install
 */
export function unpackEarlierRelease(folder: string): string {
  const commit = earlierCommit();
  const unpacked = join(folder, 'earlier');
  const archive = join(folder, 'earlier.tar');
  mkdirSync(unpacked);
  git('archive', '--output', archive, commit, 'package.json', 'package-lock.json', 'domain', 'server');
  execFileSync('tar', ['-xf', archive, '-C', unpacked]);
  execFileSync('npm', ['ci', '--omit=dev', '--ignore-scripts', '--no-audit', '--no-fund'], {
    cwd: unpacked,
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  return unpacked;
}
