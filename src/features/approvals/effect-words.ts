import { type BallotEffect, type PolicyEvaluation, PolicyType } from '#src/gen/forest/v1/policies_pb.ts';

/** So many names stand in a sentence; of more it says only who may not. */
const fewNames = 4;

/**
 * What an approval still misses and who can supply it: `1 more approval, from anyone but author: reviewer or admin`. The
 * numbers and names are the server's. Undefined where no vote is missing.
 */
export function missingWords(evaluation: PolicyEvaluation, author: string): string | undefined {
  const { missingApprovals: missing, eligibleVoterCount: eligible, eligibleVoters } = evaluation;
  if (evaluation.passed || evaluation.policyType !== PolicyType.EXTERNAL_APPROVAL || missing < 1) {
    return undefined;
  }
  const what = missing === 1 ? '1 more approval' : `${missing} more approvals`;
  if (eligible === 0) return `${what}, but no member is left who may give one`;
  const names = eligibleVoters.map(({ username }) => username);
  const who = eligible <= fewNames && names.length === eligible ? `: ${oneOf(names, 'or')}` : '';
  const from = `from anyone but ${author || 'the author'}${who}`;
  if (eligible < missing) {
    return `${what}, but only ${eligible === 1 ? '1 member' : `${eligible} members`} can still give one, ${from}`;
  }
  return `${what}, ${from}`;
}

/**
 * What a vote would change, to stand after its name: `completes prod-approval; opens when the soak ends at <moment>`.
 * `now` are the verdicts as they stand: a reason that the vote leaves as it is, is not told again. Moments are RFC 3339 as
 * the server sent them; `Reason` shows them by the reader's clock.
 */
export function effectWords(effect: BallotEffect, now: readonly PolicyEvaluation[]): string {
  const { completes, undoes, opens, opensAt, remaining } = effect;
  const parts: string[] = [];
  if (completes.length > 0) parts.push(`completes ${oneOf(completes, 'and')}`);
  if (undoes.length > 0) {
    parts.push(`takes back ${oneOf(undoes, 'and')}, which ${undoes.length === 1 ? 'blocks' : 'block'} again`);
  }
  if (opens) parts.push('opens the gate at once');
  else if (opensAt) parts.push(`opens when the soak ends at ${opensAt}`);
  else {
    const same = (policy: string, reason: string) =>
      now.some((one) => one.policyName === policy && one.reason === reason);
    const changed = remaining.filter(({ policyName, reason }) => !same(policyName, reason));
    if (parts.length === 0 && changed.length === 0) return 'changes no verdict';
    parts.push(
      ...changed.map(({ policyName, reason }) =>
        reason ? `${policyName} still blocks (${reason})` : `${policyName} still blocks`,
      ),
    );
    const others = remaining.filter((one) => !changed.includes(one)).map(({ policyName }) => policyName);
    if (others.length > 0) {
      parts.push(`${oneOf(others, 'and')} ${others.length === 1 ? 'blocks' : 'block'} as before`);
    }
  }
  return parts.join('; ') || 'changes no verdict';
}

/** `a`, `a or b`, `a, b or c`. */
function oneOf(names: readonly string[], joint: 'and' | 'or'): string {
  const last = names.at(-1) ?? '';
  return names.length < 2 ? last : `${names.slice(0, -1).join(', ')} ${joint} ${last}`;
}
