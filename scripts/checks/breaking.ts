// Compares the contract with the one that clients have: `buf breaking` against the previous commit on main.
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
 * What to compare with: uncommitted changes with HEAD; a branch with where it left main; main itself with the commit
 * before. Null and why, when there is no such commit.
 */
async function baseline(): Promise<{ ref: string; words: string } | { ref: null; words: string }> {
  if (!existsSync(join(root, '.git')) || (await git('--version')) === null) {
    return { ref: null, words: 'this is no git checkout, so there is no earlier contract to compare with' };
  }
  const head = await git('rev-parse', '--verify', '--quiet', 'HEAD');
  if (head === null) return { ref: null, words: 'nothing is committed yet, so there is no earlier contract' };
  if ((await git('status', '--porcelain', '--', ...contract)) !== '') {
    return { ref: 'HEAD', words: 'uncommitted changes against the last commit' };
  }
  for (const main of ['main', 'origin/main']) {
    const base = await git('merge-base', main, 'HEAD');
    if (base !== null && base !== head)
      return { ref: base, words: `this branch against where it left ${main}` };
  }
  if ((await git('rev-parse', '--verify', '--quiet', 'HEAD~1')) === null) {
    return {
      ref: null,
      words: 'this is the only commit here (the first, or a shallow clone): nothing to compare with',
    };
  }
  return { ref: 'HEAD~1', words: 'this commit against the one before' };
}

async function check(): Promise<number> {
  const { ref, words } = await baseline();
  if (ref === null) {
    console.log(`Not compared: ${words}.`);
    return 0;
  }
  if (((await git('ls-tree', '--name-only', ref, '--', 'proto', 'buf.yaml')) ?? '').split('\n').length < 2) {
    console.log(`Not compared (${words}): ${ref} holds no contract.`);
    return 0;
  }
  const folder = mkdtempSync(join(tmpdir(), 'forage-contract-'));
  try {
    const archive = join(folder, 'contract.tar');
    // `git archive` instead of buf's own git input: that one clones, which fails in a worktree.
    const standing = ((await git('ls-tree', '--name-only', ref, '--', ...contract)) ?? '').split('\n');
    const { code, output } = await run(['git', 'archive', '--output', archive, ref, ...standing]);
    if (code !== 0) throw new Error(output);
    const breaking = await run(['buf', 'breaking', '--against', archive]);
    console.log(breaking.code === 0 ? `No breaking change: ${words}.` : `${words}:\n${breaking.output}`);
    return breaking.code === 0 ? 0 : 1;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

process.exitCode = await check();
