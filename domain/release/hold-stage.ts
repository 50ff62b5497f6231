import type { GateVerdict } from '#domain/policy/evaluate.ts';
import type { Stage } from './stage.ts';
import { change } from './transition.ts';

/** What blocks a stage: whether a user must act, the reason, and when time alone changes it. */
type Hold = Pick<GateVerdict, 'blockedByApproval' | 'reason' | 'nextCheckAt'>;

/** The message of a thrown value. */
export const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

/** What blocks at the gate; null when it is open. A gate that cannot be evaluated is closed. */
export function holdOf(gate: () => GateVerdict): Hold | null {
  try {
    const verdict = gate();
    return verdict.passed === true ? null : verdict;
  } catch (error) {
    const reason = `the policies could not be evaluated: ${messageOf(error)}`;
    return { blockedByApproval: false, reason, nextCheckAt: null };
  }
}

/** The stage, waiting for what blocks it. */
export function hold(stage: Stage, { blockedByApproval, reason, nextCheckAt }: Hold, now: Date): Stage {
  return change(stage, {
    status: blockedByApproval ? 'AWAITING_APPROVAL' : 'PENDING',
    reason: reason ?? 'blocked by a policy',
    // A stage that waits for a user is woken by a decision, never by a timer.
    nextCheckAt: blockedByApproval ? null : nextCheckAt,
    queuedAt: stage.queuedAt ?? now,
  });
}
