import { tallyVotes } from '#domain/approval/tally.ts';
import type { Vote } from '#domain/approval/vote.ts';
import { buildOf, gateOf, type IntentFacts } from '#server/features/gate/facts.ts';

/**
 * What somebody had before them when they voted, for the record: the artifact, each enabled policy of the environment with its
 * config and its verdict before and after the vote, and how many approvals counted before and after it.
 * @param facts from before the vote, under the intent's lock.
 * @param votes on the environment, with the new one.
 */
export function sawOf(facts: IntentFacts, environment: string, votes: readonly Vote[], now: Date) {
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
