import { type ApprovalTally, tallyVotes } from '#domain/approval/tally.ts';
import type { Vote } from '#domain/approval/vote.ts';
import { evaluateApproval } from './approval.ts';
import { evaluateBranchRestriction, type PatternMatcher } from './branch-restriction.ts';
import type { Policy, PolicyType } from './policy.ts';
import { block, NO_RELEASE, type RuleVerdict } from './rule-verdict.ts';
import { evaluateSoakTime, type SourceDeployment } from './soak-time.ts';

/** Everything the rules look at, for one artifact and (votes) one release intent and target environment. */
export interface PolicyFacts {
  /** The artifact's branch; null when none is recorded. */
  readonly branch: string | null;
  /**
   * By source environment: this artifact's last successful deployment to each of the environment's destinations; null
   * when there is no release, and so no artifact, in context (a dry run).
   */
  readonly deployments: ReadonlyMap<string, readonly SourceDeployment[]> | null;
  /** The current votes on the intent and environment; null when there is no release in context (a dry run). */
  readonly votes: readonly Vote[] | null;
  readonly matches: PatternMatcher;
}

/** The verdict of one policy. */
export interface Evaluation {
  readonly policyId: string;
  readonly policyName: string;
  readonly type: PolicyType | 'unreadable';
  readonly targetEnvironment: string;
  readonly passed: boolean;
  /** Why, in words, for passed ones too. */
  readonly reason: string;
  /** A blocked soak's end; null when time alone changes nothing. */
  readonly nextCheckAt: Date | null;
  /** Approval policies with a release in context; else null. */
  readonly approval: ApprovalTally | null;
}

/** The verdict of all enabled policies of one environment. */
export interface GateVerdict {
  /** Sorted by policy name. */
  readonly evaluations: readonly Evaluation[];
  readonly passed: boolean;
  /** Whether at least one of those that block is an approval. */
  readonly blockedByApproval: boolean;
  /** The blocked reasons joined with `; `; null when passed. */
  readonly reason: string | null;
  /** The end of the last blocked soak: looking again before, with the same facts, is useless. Null without one. */
  readonly nextCheckAt: Date | null;
}

interface RuleOutcome {
  readonly type: PolicyType | 'unreadable';
  readonly verdict: RuleVerdict;
  readonly approval: ApprovalTally | null;
}

function applyRule({ config }: Policy, facts: PolicyFacts, now: Date): RuleOutcome {
  const { type } = config;
  switch (type) {
    case 'soak_time': {
      if (facts.deployments === null) return { type, verdict: block(NO_RELEASE), approval: null };
      const deployments = facts.deployments.get(config.sourceEnvironment);
      return { type, verdict: evaluateSoakTime(config, deployments, now), approval: null };
    }
    case 'branch_restriction': {
      const verdict = evaluateBranchRestriction(config, facts.branch, facts.matches);
      return { type, verdict, approval: null };
    }
    case 'approval': {
      const approval = facts.votes && tallyVotes(facts.votes, config.requiredApprovals);
      return { type, verdict: evaluateApproval(approval), approval };
    }
    case 'unreadable':
      return { type, verdict: block(`this policy cannot be read: ${config.detail}`), approval: null };
    default: {
      // The types say this cannot be; a row written by another version can still bring it. It must not pass.
      const unknown: never = type;
      return { type: 'unreadable', verdict: block(`unknown policy type "${unknown}"`), approval: null };
    }
  }
}

/**
 * The verdict of one policy on the facts at the moment `now`. Whether the policy is enabled, and for which environment,
 * is the caller's question. Never throws: a rule that throws (a pattern that does not compile, facts that are missing or
 * cannot be read) blocks, and the reason says why (fail closed).
 */
export function evaluatePolicy(policy: Policy, facts: PolicyFacts, now: Date): Evaluation {
  let outcome: RuleOutcome;
  try {
    outcome = applyRule(policy, facts, now);
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    outcome = {
      type: policy.config?.type ?? 'unreadable',
      verdict: block(`this policy could not be checked: ${why}`),
      approval: null,
    };
  }
  return {
    policyId: policy.id,
    policyName: policy.name,
    type: outcome.type,
    targetEnvironment: policy.targetEnvironment,
    ...outcome.verdict,
    approval: outcome.approval,
  };
}

const byName = (a: Policy, b: Policy): number => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0);

/**
 * The gate of one environment: every enabled policy that aims at it has to pass; without one the gate is open.
 * `policies` are the project's, in any order; disabled ones and those of other environments are left out.
 */
export function evaluateGate(
  policies: readonly Policy[],
  environment: string,
  facts: PolicyFacts,
  now: Date,
): GateVerdict {
  const evaluations = policies
    .filter((policy) => policy.enabled && policy.targetEnvironment === environment)
    .sort(byName)
    .map((policy) => evaluatePolicy(policy, facts, now));
  const blocked = evaluations.filter(({ passed }) => !passed);
  const moments = blocked.flatMap(({ nextCheckAt }) => (nextCheckAt ? [nextCheckAt.getTime()] : []));
  return {
    evaluations,
    passed: blocked.length === 0,
    blockedByApproval: blocked.some(({ type }) => type === 'approval'),
    reason: blocked.length === 0 ? null : blocked.map(({ reason }) => reason).join('; '),
    nextCheckAt: moments.length === 0 ? null : new Date(Math.max(...moments)),
  };
}
