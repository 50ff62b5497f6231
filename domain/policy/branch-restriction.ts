import type { BranchRestrictionConfig } from './policy.ts';
import { block, pass, type RuleVerdict } from './rule-verdict.ts';

/** Whether a pattern (RE2 syntax) matches anywhere in the text. Throws when the pattern does not compile. */
export type PatternMatcher = (pattern: string, text: string) => boolean;

/** Passes when the artifact's branch matches the pattern; blocks without a branch. Throws what `matches` throws. */
export function evaluateBranchRestriction(
  config: BranchRestrictionConfig,
  branch: string | null,
  matches: PatternMatcher,
): RuleVerdict {
  if (!branch) return block('no branch is recorded');
  return matches(config.branchPattern, branch) === true
    ? pass(`branch "${branch}" matches ${config.branchPattern}`)
    : block(`branch "${branch}" does not match ${config.branchPattern}`);
}
