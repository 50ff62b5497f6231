import { setTimeout as sleep } from 'node:timers/promises';
import { LRUCache } from 'lru-cache';
import pLimit from 'p-limit';
import { RE2JS } from 're2js';
import { patternSize, patternSizeProblem } from '#domain/policy/pattern-size.ts';
import type { Policy } from '#domain/policy/policy.ts';

/** Bounded by instructions, of at most about 1 kB each. */
const compiled = new LRUCache<string, RE2JS>({
  maxSize: 16_000,
  sizeCalculation: (_, pattern) => patternSize(pattern),
  memoMethod: (pattern) => {
    const problem = patternSizeProblem(pattern);
    if (problem !== null) throw new Error(`the pattern is ${problem}`);
    return RE2JS.compile(pattern);
  },
});

/** Whether a pattern matches a text, by both, or why it cannot be matched; bounded by bytes. */
const answers = new LRUCache<string, boolean | Error>({
  maxSize: 16 * 1024 * 1024,
  sizeCalculation: (_, key) => 2 * key.length + 200,
});

const keyOf = (pattern: string, text: string): string => `${pattern}\u0000${text}`;

function answerOf(pattern: string, text: string): boolean | Error {
  const key = keyOf(pattern, text);
  const known = answers.get(key);
  if (known !== undefined) return known;
  let answer: boolean | Error;
  try {
    answer = compiled.memo(pattern).matcher(text).find();
  } catch (error) {
    answer = error instanceof Error ? error : new Error(String(error));
  }
  answers.set(key, answer);
  return answer;
}

/**
 * Whether a pattern (RE2 syntax) matches anywhere in the text, in time linear in the text and in the size of the pattern, which
 * is bounded. The answer is kept.
 * @throws when the pattern is too large or does not compile; the evaluator then blocks.
 */
export function matchesPattern(pattern: string, text: string): boolean {
  const answer = answerOf(pattern, text);
  if (answer instanceof Error) throw answer;
  return answer;
}

/** The same for warnings, which are not worth a wait: true when there is no answer yet, false for an invalid pattern. */
export const mayMatch = (pattern: string, text: string): boolean =>
  (answers.get(keyOf(pattern, text)) ?? true) === true;

/** Steps of the engine, instructions times letters, that run without a pause: a few milliseconds. */
const MAX_STEPS = 100_000;

/** One caller matches at a time, and rests three times as long as it matched: other requests have the rest of the time. */
const oneAtATime = pLimit(1);
const REST_FACTOR = 3;

/**
 * Matches a branch with the patterns of the enabled policies, and recent branches until one matches, and keeps the answers, so
 * that evaluating the policies takes no time. Other requests are served in between, because many large patterns take long.
 */
export async function prepareMatches(
  policies: readonly Pick<Policy, 'enabled' | 'config'>[],
  branch: string | null,
  recentBranches: readonly string[] = [],
): Promise<void> {
  let steps = 0;
  const prepare = async (pattern: string, text: string): Promise<boolean | Error> => {
    const key = keyOf(pattern, text);
    steps += answers.has(key) ? key.length : patternSize(pattern) * text.length;
    if (steps <= MAX_STEPS) return answerOf(pattern, text);
    steps = 0;
    return oneAtATime(async () => {
      const began = performance.now();
      const answer = answerOf(pattern, text);
      await sleep(REST_FACTOR * (performance.now() - began));
      return answer;
    });
  };
  const recent = new Set(recentBranches);
  for (const { enabled, config } of policies) {
    if (!enabled || config.type !== 'branch_restriction') continue;
    if (branch) await prepare(config.branchPattern, branch);
    for (const text of recent) if ((await prepare(config.branchPattern, text)) === true) break;
  }
}

/** Drops what is kept of a pattern that a policy no longer has. Another policy that has it computes it again. */
export function forgetPattern(pattern: string): void {
  compiled.delete(pattern);
  const ofPattern = keyOf(pattern, '');
  for (const key of answers.keys()) if (key.startsWith(ofPattern)) answers.delete(key);
}

/** Why a pattern is too large or does not compile; null when it does. */
export function patternProblem(pattern: string): string | null {
  const problem = patternSizeProblem(pattern);
  if (problem !== null) return problem;
  try {
    compiled.memo(pattern);
    return null;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}
