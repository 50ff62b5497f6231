import {
  type ApprovalDecisionEntry,
  type BallotEffect,
  type PolicyEvaluation,
  PolicyType,
} from '#src/gen/forest/v1/policies_pb.ts';
import { describeError, isUnreachable } from '#src/lib/errors.ts';
import type { Decision } from './use-vote.ts';

/** Up to this many names are listed in a sentence. */
const MAX_NAMES = 4;

/** A decision in a word, with the colour that repeats it. */
export function decisionLabel({ bypass, decision }: Pick<ApprovalDecisionEntry, 'bypass' | 'decision'>): {
  label: string;
  look: string;
} {
  if (bypass) return { label: 'bypassed', look: 'text-failed' };
  return decision === 'approved'
    ? { label: 'approved', look: 'text-passed' }
    : { label: 'rejected', look: 'text-failed' };
}

/** Why a vote was not recorded. */
export function failureMessage(error: unknown, decision: Decision): string {
  const noun = { approved: 'approval', rejected: 'rejection', withdrawn: 'withdrawal' }[decision];
  return isUnreachable(error)
    ? `Can't reach the server. Your ${noun} hasn't been sent. Try again.`
    : `Your ${noun} was not recorded: ${describeError(error).message}`;
}

/**
 * What an approval policy still needs and who can provide it: `1 more approval needed from anyone except alice: bob or
 * carol`. Numbers and names are the server's. Undefined where no vote is missing.
 */
export function missingLabel(evaluation: PolicyEvaluation, author: string): string | undefined {
  const { missingApprovals: missing, eligibleVoterCount: eligible, eligibleVoters } = evaluation;
  if (evaluation.passed || evaluation.policyType !== PolicyType.EXTERNAL_APPROVAL || missing < 1) {
    return undefined;
  }
  const needed = `${missing} more ${missing === 1 ? 'approval' : 'approvals'} needed`;
  if (eligible === 0) return `${needed}, but no other member can approve`;
  const listed = eligible <= MAX_NAMES && eligibleVoters.length === eligible;
  const names = listed
    ? `: ${listOf(
        eligibleVoters.map(({ username }) => username),
        'or',
      )}`
    : '';
  if (eligible < missing) {
    return `${needed}, but only ${eligible} ${eligible === 1 ? 'member' : 'members'} can approve${names}`;
  }
  return `${needed} from anyone except ${author || 'the author'}${names}`;
}

/**
 * What a vote would change, to follow "If you approve,": `prod-approval passes; the gate opens when the soak ends at
 * <timestamp>`. A reason that is shown in `evaluations` already is not repeated. Timestamps are RFC 3339 as sent by the server.
 */
export function effectLabel(effect: BallotEffect, evaluations: readonly PolicyEvaluation[]): string {
  const { completes, undoes, opens, opensAt, remaining } = effect;
  const parts: string[] = [];
  if (completes.length > 0) {
    parts.push(`${listOf(completes, 'and')} ${completes.length === 1 ? 'passes' : 'pass'}`);
  }
  if (undoes.length > 0) {
    parts.push(`${listOf(undoes, 'and')} ${undoes.length === 1 ? 'blocks' : 'block'} again`);
  }
  if (opens) parts.push('the gate opens immediately');
  else if (opensAt) parts.push(`the gate opens when the soak ends at ${opensAt}`);
  else {
    const isShown = ({ policyName, reason }: { policyName: string; reason: string }) =>
      evaluations.some((one) => one.policyName === policyName && one.reason === reason);
    const changed = remaining.filter((one) => !isShown(one));
    if (parts.length === 0 && changed.length === 0) return 'no policy result changes';
    parts.push(
      ...changed.map(({ policyName, reason }) => `${policyName} still blocks${reason && ` (${reason})`}`),
    );
    const unchanged = remaining.filter(isShown).map(({ policyName }) => policyName);
    if (unchanged.length > 0) {
      parts.push(`${listOf(unchanged, 'and')} still ${unchanged.length === 1 ? 'blocks' : 'block'}`);
    }
  }
  return parts.join('; ') || 'no policy result changes';
}

/** `a`, `a or b`, `a, b or c`. */
export function listOf(names: readonly string[], conjunction: 'and' | 'or'): string {
  const last = names.at(-1) ?? '';
  return names.length < 2 ? last : `${names.slice(0, -1).join(', ')} ${conjunction} ${last}`;
}
