import type { GateVerdict } from '#domain/policy/evaluate.ts';
import type { Stage } from './stage.ts';
import { type Destination, startReleases } from './start.ts';
import { change, end, failureOf, isReleaseEnded } from './transition.ts';

/** What holds a stage back: whether a person has to act, why in words, and when to look again by itself. */
type Hold = Pick<GateVerdict, 'blockedByApproval' | 'reason' | 'nextCheckAt'>;

/** The gate's answer; null when it is open. A gate that cannot be asked is closed. */
function holdOf(gate: () => GateVerdict): Hold | null {
  try {
    const verdict = gate();
    return verdict.passed === true ? null : verdict;
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    return {
      blockedByApproval: false,
      reason: `the policies could not be checked: ${why}`,
      nextCheckAt: null,
    };
  }
}

function hold(stage: Stage, { blockedByApproval, reason, nextCheckAt }: Hold, now: Date): Stage {
  return change(stage, {
    status: blockedByApproval ? 'AWAITING_APPROVAL' : 'PENDING',
    reason: reason ?? 'blocked by a policy',
    // What waits for a person is woken by a decision, never by a timer.
    nextCheckAt: blockedByApproval ? null : nextCheckAt,
    queuedAt: stage.queuedAt ?? now,
  });
}

/**
 * One step of a deploy stage whose dependencies have succeeded. The gate is asked as long as something of the stage has
 * yet to start; a stage that was going is held again when the gate has closed meanwhile (its queued releases wait, those
 * on their way finish). It ends when all its releases have: succeeded if every one did, else failed.
 */
export function stepDeployStage(
  stage: Stage,
  gate: () => GateVerdict,
  destinations: () => readonly Destination[],
  environment: string,
  now: Date,
): Stage {
  const { releases } = stage;
  if (releases.length === 0 || releases.some(({ status }) => status === 'QUEUED')) {
    const held = holdOf(gate);
    return held ? hold(stage, held, now) : startReleases(stage, environment, destinations(), now);
  }
  if (releases.every(({ status }) => isReleaseEnded(status))) {
    const failure = failureOf(releases);
    return end(stage, failure === null ? 'SUCCEEDED' : 'FAILED', failure, now);
  }
  // Nothing is left to hold, so the stage is under way, even if it was held a moment ago.
  return change(stage, {
    status: 'ACTIVE',
    reason: null,
    nextCheckAt: null,
    startedAt: stage.startedAt ?? now,
  });
}
