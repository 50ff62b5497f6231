import { tallyVotes } from '#domain/approval/tally.ts';
import type { Vote } from '#domain/approval/vote.ts';
import { buildOf, gateOf, type IntentFacts } from '#server/features/gate/facts.ts';

/**
 * What a voter had on screen, for the history: the artifact, the environment's enabled policies with their configs, and the
 * verdicts and the number of counted approvals before and after the vote.
 * @param facts from before the vote, loaded under the intent's lock.
 * @param votes on the environment after the vote.
 */
export function snapshotOf(facts: IntentFacts, environment: string, votes: readonly Vote[], now: Date) {
  const before = gateOf(facts, environment, now);
  const changed = { ...facts, votes: new Map(facts.votes).set(environment, votes) };
  const after = gateOf(changed, environment, now);
  return {
    ...buildOf(facts),
    policies: before.evaluations.map(({ policyId, policyName: name, passed, reason }) => {
      const verdict = after.evaluations.find((one) => one.policyId === policyId);
      return {
        name,
        config: facts.policies.find((policy) => policy.id === policyId)?.config ?? null,
        before: { passed, reason },
        after: { passed: verdict?.passed ?? false, reason: verdict?.reason ?? '' },
      };
    }),
    approvals: { before: countOf(facts.votes.get(environment) ?? []), after: countOf(votes) },
  };
}

const countOf = (votes: readonly Vote[]): number => tallyVotes(votes, 1).current;
