import { type Evaluation, evaluateGate, type PolicyFacts } from '#domain/policy/evaluate.ts';
import type { Policy } from '#domain/policy/policy.ts';
import { type Vote, withVote } from './vote.ts';

/** What one ballot would change at the gate of one environment if it were cast now. Policies are named in their order. */
export interface BallotEffect {
  /** Policies that block now and would pass. */
  readonly completes: readonly string[];
  /** Whether the vote would open a gate that is closed now. */
  readonly opens: boolean;
  /** What would still block, each with the reason that it would then have. */
  readonly remaining: readonly Pick<Evaluation, 'policyName' | 'type' | 'reason'>[];
  /** When the gate would open without further action after the vote; null when it would open immediately or needs more votes. */
  readonly opensAt: Date | null;
  /** Policies that pass now and would block. */
  readonly undoes: readonly string[];
}

/**
 * The effect of a vote: the difference between the gate's verdicts with and without it.
 * @param facts of one release and environment; whether the vote would be accepted is decided by `checkBallot`.
 */
export function ballotEffect(
  policies: readonly Policy[],
  environment: string,
  facts: PolicyFacts & { readonly votes: readonly Vote[] },
  cast: Vote,
  now: Date,
): BallotEffect {
  const before = evaluateGate(policies, environment, facts, now);
  const votes = withVote(facts.votes, cast);
  const after = evaluateGate(policies, environment, { ...facts, votes }, now);
  const passed = (evaluations: readonly Evaluation[]) =>
    new Set(evaluations.filter((one) => one.passed).map((one) => one.policyId));
  const [passedBefore, passedAfter] = [passed(before.evaluations), passed(after.evaluations)];
  const named = (which: (id: string) => boolean) =>
    after.evaluations.filter(({ policyId }) => which(policyId)).map(({ policyName }) => policyName);

  const remaining = after.evaluations.filter((one) => !one.passed);
  const onlyTime = remaining.every(({ nextCheckAt }) => nextCheckAt !== null);
  return {
    completes: named((id) => passedAfter.has(id) && !passedBefore.has(id)),
    opens: after.passed && !before.passed,
    remaining: remaining.map(({ policyName, type, reason }) => ({ policyName, type, reason })),
    opensAt: onlyTime ? after.nextCheckAt : null,
    undoes: named((id) => passedBefore.has(id) && !passedAfter.has(id)),
  };
}
