import type { Role } from '#domain/approval/vote.ts';
import type { PatternMatcher } from './branch-restriction.ts';
import type { Policy } from './policy.ts';

/** The most branches that a warning names as examples. */
const MAX_EXAMPLE_BRANCHES = 3;

/** How many of the builds that an environment got lately it kept for as long as a soak requires. */
export interface SoakRecord {
  /** Those of which it is known. */
  readonly builds: number;
  readonly kept: number;
}

/** A soak is reached seldom when fewer than half of the builds reach it; fewer than this many builds say nothing. */
const MIN_BUILDS = 3;

export const isSeldomReached = ({ builds, kept }: SoakRecord): boolean =>
  builds >= MIN_BUILDS && kept * 2 < builds;

/**
 * Why a policy can never or seldom pass with the present facts, or what to know before a release passes. Warnings are not enforced,
 * because the facts may be about to change. A rollback is about no policy: its policy id and name are empty.
 */
export type PolicyWarning = { readonly policyId: string; readonly policyName: string } & (
  | { readonly kind: 'not_enough_voters'; readonly required: number; readonly eligible: number }
  | { readonly kind: 'only_author_could_vote'; readonly required: number }
  | { readonly kind: 'unknown_source' }
  | { readonly kind: 'rollback'; readonly environment: string }
  | { readonly kind: 'soak_interrupted'; readonly environment: string }
  | ({ readonly kind: 'soak_seldom_reached'; readonly environment: string } & SoakRecord)
  | { readonly kind: 'source_without_destinations'; readonly environment: string }
  | { readonly kind: 'target_without_destinations'; readonly environment: string }
  | {
      readonly kind: 'pattern_matches_no_recent_branch';
      readonly pattern: string;
      /** The newest branches, each once. */
      readonly examples: readonly string[];
    }
);

/** The present facts of the project and its organisation. */
export interface SatisfiableContext {
  readonly members: readonly { readonly userId: string; readonly role: Role }[];
  /** Authors of the release, who cannot approve it; null without a release. */
  readonly authors: ReadonlySet<string> | null;
  /** Whether the source of the release's build names a member or a service account; null without a release. */
  readonly knowsSource: boolean | null;
  /** How many destinations an environment has. */
  readonly destinationsOf: (environment: string) => number;
  /** Branches of the project's latest artifacts, newest first, with repetitions; may be empty. */
  readonly recentBranches: readonly string[];
  readonly matches: PatternMatcher;
  /** How its source environment kept builds lately, by the id of a soak policy; a policy without one is not judged by it. */
  readonly soakRecords: ReadonlyMap<string, SoakRecord>;
}

/** The number of members who may vote on a release. Without a release, one member is assumed to be its author. */
function votersIn({ members, authors }: SatisfiableContext): number {
  if (authors === null) return Math.max(0, members.length - 1);
  return members.filter(({ userId }) => !authors.has(userId)).length;
}

function matchesAny(pattern: string, { recentBranches, matches }: SatisfiableContext): boolean {
  try {
    return recentBranches.some((branch) => matches(pattern, branch) === true);
  } catch {
    // An invalid pattern matches no branch.
    return false;
  }
}

/**
 * Why a policy can never or seldom pass with the present facts; empty when it can, and for a disabled one. Bypasses are not considered.
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
    if (context.knowsSource === false) found.push({ ...about, kind: 'unknown_source' });
  }
  if (config.type === 'soak_time') {
    const { sourceEnvironment: environment } = config;
    const soaked = context.soakRecords.get(policy.id);
    if (context.destinationsOf(environment) === 0) {
      found.push({ ...about, kind: 'source_without_destinations', environment });
    } else if (soaked !== undefined && isSeldomReached(soaked)) {
      found.push({ ...about, kind: 'soak_seldom_reached', environment, ...soaked });
    }
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
