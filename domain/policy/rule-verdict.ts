/** What one rule says about the facts it was given. */
export interface RuleVerdict {
  readonly passed: boolean;
  /** Why, in words, for passed ones too. */
  readonly reason: string;
  /** When time alone will change the verdict: that moment; else null. */
  readonly nextCheckAt: Date | null;
}

export const pass = (reason: string): RuleVerdict => ({ passed: true, reason, nextCheckAt: null });

export const block = (reason: string, nextCheckAt: Date | null = null): RuleVerdict => ({
  passed: false,
  reason,
  nextCheckAt,
});

/** Why a rule that speaks of a release cannot pass in a dry run. */
export const NO_RELEASE = 'no release in context';
