/** The verdict of one rule. */
export interface RuleVerdict {
  readonly passed: boolean;
  /** For people; also when passed. */
  readonly reason: string;
  /** When time alone changes the verdict; null when it does not. */
  readonly nextCheckAt: Date | null;
}

export const pass = (reason: string): RuleVerdict => ({ passed: true, reason, nextCheckAt: null });

export const block = (reason: string, nextCheckAt: Date | null = null): RuleVerdict => ({
  passed: false,
  reason,
  nextCheckAt,
});

/** Why a rule about a release blocks in a dry run. */
export const NO_RELEASE = 'no release in context';
