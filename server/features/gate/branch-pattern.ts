import { LRUCache } from 'lru-cache';
import { RE2JS } from 're2js';

/** Patterns are few and short; the limit only bounds memory. */
const compiled = new LRUCache<string, RE2JS>({
  max: 500,
  memoMethod: (pattern) => RE2JS.compile(pattern),
});

/**
 * Whether a pattern (RE2 syntax) matches anywhere in the text, in time linear in the text, so that no pattern can stall the
 * server.
 * @throws when the pattern does not compile; the evaluator then blocks.
 */
export function matchesPattern(pattern: string, text: string): boolean {
  return compiled.memo(pattern).matcher(text).find();
}

/** Why a pattern does not compile; null when it does. */
export function patternProblem(pattern: string): string | null {
  try {
    compiled.memo(pattern);
    return null;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}
