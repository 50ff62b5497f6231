/**
 * Branch patterns on RE2, the engine that the server uses, so that the browser and the gate agree. The engine is
 * large and needed by few: it is loaded when it is first asked for.
 */
export interface BranchPatterns {
  /** Null when the pattern compiles, else why it does not. */
  readonly compiles: (pattern: string) => string | null;
  /** Whether a branch passes; the pattern has to compile. It may match anywhere in the name, as at the gate. */
  readonly passes: (pattern: string, branch: string) => boolean;
}

let loading: Promise<BranchPatterns> | undefined;

/** Loads the engine once; after a failure (no network) the next call tries again. */
export function loadBranchPatterns(): Promise<BranchPatterns> {
  loading ??= import('re2js').then(
    ({ RE2JS }) => ({
      compiles: (pattern) => {
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
