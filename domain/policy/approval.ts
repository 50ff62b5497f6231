import type { ApprovalTally } from '#domain/approval/tally.ts';
import { block, NO_RELEASE, pass, type RuleVerdict } from './rule-verdict.ts';

/** Passes when enough approvals count, or a bypass does. `tally` is null in a dry run, without a release to vote on. */
export function evaluateApproval(tally: ApprovalTally | null): RuleVerdict {
  if (tally === null) return block(NO_RELEASE);
  const count = `${tally.current}/${tally.required}`;
  if (!tally.passed) return block(`awaiting approval: ${count}`);
  const enough = tally.current >= tally.required;
  return pass(tally.bypass && !enough ? `bypassed by ${tally.bypass.username}` : `${count} approvals`);
}

const AWAITING = /(?:^|; )awaiting approval: (\d+)\/(\d+)(?=;|$)/;

/** The approvals that a stage waits for, of the first approval policy in its reason; null when it waits for none. */
export function approvalsOf(reason: string): { readonly current: number; readonly required: number } | null {
  const [, current, required] = AWAITING.exec(reason) ?? [];
  return current === undefined ? null : { current: Number(current), required: Number(required) };
}
