import type { Role } from '#domain/approval/vote.ts';
import type { PatternMatcher } from './branch-restriction.ts';
import type { Policy } from './policy.ts';

/** Most branches that a warning names as examples. */
const MAX_EXAMPLE_BRANCHES = 3;

/** Why it looks as if nobody could satisfy a policy. It forbids nothing: people may be about to change the facts. */
export type PolicyWarning = { readonly policyId: string; readonly policyName: string } & (
  | { readonly kind: 'not_enough_voters'; readonly required: number; readonly eligible: number }
  | { readonly kind: 'only_author_could_vote'; readonly required: number }
  | { readonly kind: 'source_without_destinations'; readonly environment: string }
  | { readonly kind: 'target_without_destinations'; readonly environment: string }
  | {
      readonly kind: 'pattern_matches_no_recent_branch';
      readonly pattern: string;
      /** The newest branches, each once. */
      readonly examples: readonly string[];
    }
);

/** What the project and its organisation look like now. */
export interface SatisfiableContext {
  readonly members: readonly { readonly userId: string; readonly role: Role }[];
  /** Who cannot approve the release because it is theirs; null when no release is in question. */
  readonly authors: ReadonlySet<string> | null;
  /** How many destinations an environment has. */
  readonly destinationsOf: (environment: string) => number;
  /** Branches of the project's latest artifacts, newest first, repetitions allowed; empty when nothing is known. */
  readonly recentBranches: readonly string[];
  readonly matches: PatternMatcher;
}

/** Members who may vote on a release: none of its authors. Without a release one member is taken for its author. */
function votersIn({ members, authors }: SatisfiableContext): number {
  if (authors === null) return Math.max(0, members.length - 1);
  return members.filter(({ userId }) => !authors.has(userId)).length;
}

function matchesAny(pattern: string, { recentBranches, matches }: SatisfiableContext): boolean {
  try {
    return recentBranches.some((branch) => matches(pattern, branch) === true);
  } catch {
    // A pattern that does not compile lets no branch pass.
    return false;
  }
}

/**
 * Why an enabled policy can, as things stand, never pass; empty when it can, and for a disabled one. An admin's bypass is
 * a way around and not a vote, so it satisfies nothing here.
 */
export function policyWarnings(policy: Policy, context: SatisfiableContext): PolicyWarning[] {
  if (!policy.enabled) return [];
  const { config, targetEnvironment } = policy;
  const about = { policyId: policy.id, policyName: policy.name };
  const found: PolicyWarning[] = [];
  if (config.type === 'approval') {
    const { requiredApprovals: required } = config;
    const eligible = votersIn(context);
    if (eligible === 0 && context.members.length > 0) {
      found.push({ ...about, kind: 'only_author_could_vote', required });
    } else if (required > eligible) {
      found.push({ ...about, kind: 'not_enough_voters', required, eligible });
    }
  }
  if (config.type === 'soak_time' && context.destinationsOf(config.sourceEnvironment) === 0) {
    found.push({ ...about, kind: 'source_without_destinations', environment: config.sourceEnvironment });
  }
  if (config.type === 'branch_restriction' && context.recentBranches.length > 0) {
    const { branchPattern: pattern } = config;
    if (!matchesAny(pattern, context)) {
      const examples = [...new Set(context.recentBranches)].slice(0, MAX_EXAMPLE_BRANCHES);
      found.push({ ...about, kind: 'pattern_matches_no_recent_branch', pattern, examples });
    }
  }
  if (context.destinationsOf(targetEnvironment) === 0) {
    found.push({ ...about, kind: 'target_without_destinations', environment: targetEnvironment });
  }
  return found;
}
