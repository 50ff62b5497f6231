import { type Evaluation, evaluateGate, type PolicyFacts } from '#domain/policy/evaluate.ts';
import type { Policy } from '#domain/policy/policy.ts';
import type { Vote } from './vote.ts';

/** What one ballot would change at the gate of one environment, were it cast now. Policies are named in their order. */
export interface BallotEffect {
  /** Policies that block now and would pass. */
  readonly completes: readonly string[];
  /** Whether it would open the gate: closed now, open at once with the vote. */
  readonly opens: boolean;
  /** What would block still, each with the reason as it would then be. */
  readonly remaining: readonly Pick<Evaluation, 'policyName' | 'type' | 'reason'>[];
  /** When time alone would open the gate after the vote; null when it needs more than time, or nothing. */
  readonly opensAt: Date | null;
  /** Policies that pass now and would block. */
  readonly undoes: readonly string[];
}

/** The votes with one of them cast anew: one voice each. */
export const withVote = (votes: readonly Vote[], cast: Vote): Vote[] => [
  ...votes.filter((vote) => vote.userId !== cast.userId),
  cast,
];

/**
 * What a vote would do: the gate judged twice by the one evaluator, without the vote and with it, and the difference told.
 * `facts` are of one release and environment; whether the vote would be taken at all is `checkBallot`'s to say.
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
