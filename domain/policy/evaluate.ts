import { type ApprovalTally, tallyVotes } from '#domain/approval/tally.ts';
import type { Vote } from '#domain/approval/vote.ts';
import { evaluateApproval } from './approval.ts';
import { evaluateBranchRestriction, type PatternMatcher } from './branch-restriction.ts';
import { evaluateHold, type Hold } from './hold.ts';
import type { Policy, PolicyType } from './policy.ts';
import { block, NO_RELEASE, type RuleVerdict } from './rule-verdict.ts';
import { evaluateSoakTime, type SoakSource } from './soak-time.ts';

/** The facts of all rules, for one artifact and (votes) one release intent and target environment. */
export interface PolicyFacts {
  /** The artifact's branch; null when none is recorded. */
  readonly branch: string | null;
  /**
   * By source environment: when the build was live on each of the environment's destinations; null when there is no build in
   * context.
   */
  readonly soaks: ReadonlyMap<string, readonly SoakSource[]> | null;
  /** Whether the release returns all its destinations in the target environment to a build that they ran before. */
  readonly isReturn: boolean;
  /** What the last rollback of the target environment left behind; null when nothing holds. */
  readonly hold: Hold | null;
  /** The current votes on the intent and environment; null when there is no release in context (a dry run). */
  readonly votes: readonly Vote[] | null;
  readonly matches: PatternMatcher;
}

/** What is evaluated: policies, also unreadable ones, and the hold that a rollback leaves behind. */
export type EvaluatedType = PolicyType | 'unreadable' | 'hold';

/** The verdict of one policy, or of a hold, which has no policy id. */
export interface Evaluation {
  readonly policyId: string;
  readonly policyName: string;
  readonly type: EvaluatedType;
  readonly targetEnvironment: string;
  readonly passed: boolean;
  /** For people; also when passed. */
  readonly reason: string;
  /** A blocked soak's end; null when time alone changes nothing. */
  readonly nextCheckAt: Date | null;
  /** Approval policies with a release in context; else null. */
  readonly approval: ApprovalTally | null;
}

/** The verdict of all enabled policies of one environment. */
export interface GateVerdict {
  /** The hold first, then the policies by name. */
  readonly evaluations: readonly Evaluation[];
  readonly passed: boolean;
  /** Whether at least one of those that block is an approval. */
  readonly blockedByApproval: boolean;
  /** The blocked reasons joined with `; `; null when passed. */
  readonly reason: string | null;
  /** The end of the last blocking soak, before which time changes nothing. Null without one. */
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
      if (facts.soaks === null) return { type, verdict: block(NO_RELEASE), approval: null };
      const sources = facts.soaks.get(config.sourceEnvironment);
      return { type, verdict: evaluateSoakTime(config, sources, facts.isReturn, now), approval: null };
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
      // Excluded by the types, but another version may have stored it. It must not pass.
      const unknown: never = type;
      return { type: 'unreadable', verdict: block(`unknown policy type "${unknown}"`), approval: null };
    }
  }
}

/**
 * The verdict of one policy on the facts at `now`, whether or not it is enabled. Never throws: a rule that throws (an invalid
 * pattern, missing or invalid facts) blocks, with the reason (fail closed).
 */
export function evaluatePolicy(policy: Policy, facts: PolicyFacts, now: Date): Evaluation {
  let outcome: RuleOutcome;
  try {
    outcome = applyRule(policy, facts, now);
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    outcome = {
      type: policy.config?.type ?? 'unreadable',
      verdict: block(`this policy could not be evaluated: ${why}`),
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

/** The verdict of the hold that a rollback left behind; like a policy, it blocks when it cannot be evaluated. */
function holdEvaluation(facts: PolicyFacts, environment: string): Evaluation[] {
  const about = { policyId: '', policyName: 'Hold', type: 'hold', targetEnvironment: environment } as const;
  try {
    const { hold, votes } = facts;
    if (hold === null) return [];
    return [{ ...about, ...evaluateHold(hold, votes ?? []), approval: null }];
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    return [{ ...about, ...block(`the hold could not be evaluated: ${why}`), approval: null }];
  }
}

const byName = (a: Policy, b: Policy): number => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0);

/**
 * The gate of one environment: every enabled policy for it must pass, and the hold of a rollback; without any the gate is open.
 * @param policies of the project, in any order; disabled ones and those of other environments are ignored.
 */
export function evaluateGate(
  policies: readonly Policy[],
  environment: string,
  facts: PolicyFacts,
  now: Date,
): GateVerdict {
  const ofPolicies = policies
    .filter((policy) => policy.enabled && policy.targetEnvironment === environment)
    .sort(byName)
    .map((policy) => evaluatePolicy(policy, facts, now));
  const evaluations = [...holdEvaluation(facts, environment), ...ofPolicies];
  const blocked = evaluations.filter(({ passed }) => !passed);
  const times = blocked.flatMap(({ nextCheckAt }) => (nextCheckAt ? [nextCheckAt.getTime()] : []));
  return {
    evaluations,
    passed: blocked.length === 0,
    blockedByApproval: blocked.some(({ type }) => type === 'approval'),
    reason: blocked.length === 0 ? null : blocked.map(({ reason }) => reason).join('; '),
    nextCheckAt: times.length === 0 ? null : new Date(Math.max(...times)),
  };
}
