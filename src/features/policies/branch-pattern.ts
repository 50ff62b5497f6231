import { patternSizeProblem } from '#domain/policy/pattern-size.ts';

/**
 * Branch patterns by RE2, the server's engine, so that browser and gate agree. Loaded on first use, because the engine is
 * large and few pages need it.
 */
export interface BranchPatterns {
  /** Null when the pattern compiles and is not too large, else the reason. */
  readonly compiles: (pattern: string) => string | null;
  /** Whether a branch matches a pattern that compiles; anywhere in the name, as at the gate. */
  readonly passes: (pattern: string, branch: string) => boolean;
}

let loading: Promise<BranchPatterns> | undefined;

/** Loads the engine once; after a failure the next call retries. */
export function loadBranchPatterns(): Promise<BranchPatterns> {
  loading ??= import('re2js').then(
    ({ RE2JS }) => ({
      compiles: (pattern) => {
        const problem = patternSizeProblem(pattern);
        if (problem !== null) return problem;
        try {
          RE2JS.compile(pattern);
          return null;
        } catch (error) {
          return error instanceof Error ? error.message : String(error);
        }
      },
      passes: (pattern, branch) => RE2JS.compile(pattern).matcher(branch).find(),
    }),
    (error) => {
      loading = undefined;
      throw error;
    },
  );
  return loading;
}
