// Checks that package-lock.json has every package for every system, each with the checksum that `npm ci` compares. npm omits
// optional packages that its registry lacks, and `npm ci` then refuses the file on every system.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { root } from '../run.ts';
import { lockProblems } from './lock-problems.ts';

const problems = lockProblems(JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8')));
if (problems.length === 0) {
  console.log('package-lock.json has every package for every system, with its checksum');
} else {
  console.log(`${problems.join('\n')}\nRun \`npm run lock\` with a registry that has these packages.`);
  process.exitCode = 1;
}
