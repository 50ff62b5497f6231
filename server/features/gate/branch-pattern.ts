import { RE2JS } from 're2js';

/** Compiled patterns, the latest used last. Patterns are few and short; the bound only keeps memory flat. */
const compiled = new Map<string, RE2JS>();
const KEPT = 500;

function compile(pattern: string): RE2JS {
  const known = compiled.get(pattern);
  if (known !== undefined) return known;
  const fresh = RE2JS.compile(pattern);
  const oldest = compiled.keys().next();
  if (compiled.size >= KEPT && oldest.done !== true) compiled.delete(oldest.value);
  compiled.set(pattern, fresh);
  return fresh;
}

/**
 * Whether a person's pattern (RE2 syntax) matches anywhere in the text, in time linear in the text: a pattern cannot
 * stall the server. Throws when the pattern does not compile, which the evaluator takes for "blocked".
 */
export function matchesPattern(pattern: string, text: string): boolean {
  return compile(pattern).matcher(text).find();
}

/** Why a pattern does not compile, in words; null when it does. */
export function patternProblem(pattern: string): string | null {
  try {
    compile(pattern);
    return null;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}
