import type { ApprovalTally } from '#domain/approval/tally.ts';
import { block, NO_RELEASE, pass, type RuleVerdict } from './rule-verdict.ts';

/** Passes when enough people have approved or a bypass stands. `tally` null: there is no release to vote on (dry run). */
export function evaluateApproval(tally: ApprovalTally | null): RuleVerdict {
  if (tally === null) return block(NO_RELEASE);
  const count = `${tally.current}/${tally.required}`;
  if (!tally.passed) return block(`awaiting approval: ${count}`);
  const enough = tally.current >= tally.required;
  return pass(tally.bypass && !enough ? `bypassed by ${tally.bypass.username}` : `${count} approvals`);
}
