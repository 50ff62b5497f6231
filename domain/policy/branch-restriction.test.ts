import { expect, it } from 'vitest';
import { evaluateBranchRestriction, type PatternMatcher } from './branch-restriction.ts';

const matches: PatternMatcher = (pattern, text) => new RegExp(pattern).test(text);

it.each<[string | null, string, boolean, string]>([
  ['main', '^main$', true, 'branch "main" matches ^main$'],
  ['dev', '^main$', false, 'branch "dev" does not match ^main$'],
  ['release/main-2', 'main', true, 'branch "release/main-2" matches main'],
  [null, '.*', false, 'no branch is recorded'],
  ['', '.*', false, 'no branch is recorded'],
])('branch %j against %s', (branch, branchPattern, passed, reason) => {
  const config = { type: 'branch_restriction', targetEnvironment: 'production', branchPattern } as const;
  expect(evaluateBranchRestriction(config, branch, matches)).toEqual({ passed, reason, nextCheckAt: null });
});
