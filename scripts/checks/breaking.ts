// Compares the contract with the released one: `buf breaking` against the previous commit on main.
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { root, run } from '../run.ts';

const contract = ['proto', 'proto-vendor', 'buf.yaml'];

async function git(...args: string[]): Promise<string | null> {
  const { code, output } = await run(['git', ...args]);
  return code === 0 ? output.trim() : null;
}

/**
 * What to compare with: HEAD for uncommitted changes, the merge base for a branch, the previous commit for main. `ref` is null
 * when there is no such commit; `description` is printed.
 */
async function baseline(): Promise<{ ref: string | null; description: string }> {
  if (!existsSync(join(root, '.git')) || (await git('--version')) === null) {
    return { ref: null, description: 'not a git checkout' };
  }
  const head = await git('rev-parse', '--verify', '--quiet', 'HEAD');
  if (head === null) return { ref: null, description: 'no commits yet' };
  if ((await git('status', '--porcelain', '--', ...contract)) !== '') {
    return { ref: 'HEAD', description: 'uncommitted changes against the last commit' };
  }
  for (const main of ['main', 'origin/main']) {
    const base = await git('merge-base', main, 'HEAD');
    if (base !== null && base !== head)
      return { ref: base, description: `this branch against its merge base with ${main}` };
  }
  if ((await git('rev-parse', '--verify', '--quiet', 'HEAD~1')) === null) {
    return {
      ref: null,
      description: 'only one commit (the first, or a shallow clone)',
    };
  }
  return { ref: 'HEAD~1', description: 'this commit against the previous one' };
}

async function check(): Promise<number> {
  const { ref, description } = await baseline();
  if (ref === null) {
    console.log(`Not compared: ${description}`);
    return 0;
  }
  if (((await git('ls-tree', '--name-only', ref, '--', 'proto', 'buf.yaml')) ?? '').split('\n').length < 2) {
    console.log(`Not compared (${description}): ${ref} has no contract`);
    return 0;
  }
  const folder = mkdtempSync(join(tmpdir(), 'forage-contract-'));
  try {
    const archive = join(folder, 'contract.tar');
    // Not buf's own git input, which clones and fails in a worktree.
    const paths = ((await git('ls-tree', '--name-only', ref, '--', ...contract)) ?? '').split('\n');
    const { code, output } = await run(['git', 'archive', '--output', archive, ref, ...paths]);
    if (code !== 0) throw new Error(output);
    const breaking = await run(['buf', 'breaking', '--against', archive]);
    console.log(
      breaking.code === 0 ? `No breaking change: ${description}` : `${description}:\n${breaking.output}`,
    );
    return breaking.code === 0 ? 0 : 1;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

process.exitCode = await check();
