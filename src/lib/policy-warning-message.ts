import { PolicyWarningKind as Kind, type PolicyWarning } from '#src/gen/forest/v1/policies_pb.ts';

/** A policy's warning and what would help. About a release, the author is known and does not count as a voter. */
export function policyWarningMessage(warning: PolicyWarning, about: 'policy' | 'release'): string {
  const { policyName, required, eligible, environment, pattern, recentBranches, builds, kept } = warning;
  switch (warning.kind) {
    case Kind.NOT_ENOUGH_VOTERS: {
      const other = about === 'release' ? 'other than the author' : 'other than the author of a release';
      return `${policyName} requires ${approvals(required)}, but ${voters(eligible)} ${other} can vote. Add members or require fewer approvals.`;
    }
    case Kind.ONLY_AUTHOR_COULD_VOTE:
      return about === 'release'
        ? `${policyName} requires ${approvals(required)}, but the author is the organisation's only member. Add a member who can approve.`
        : `${policyName} requires ${approvals(required)}, but the organisation's only member cannot approve their own releases. Add a member.`;
    case Kind.UNKNOWN_SOURCE:
      return 'The source names nobody in this organisation, so four eyes cannot be checked.';
    case Kind.ROLLBACK:
      return `${environment} runs a newer build, which this release replaces.`;
    case Kind.SOAK_INTERRUPTED:
      return `${policyName}: the soak in ${environment} was interrupted. Deploy this build to ${environment} again.`;
    case Kind.SOAK_SELDOM_REACHED:
      return `${policyName} is seldom reached: in the last 14 days, ${environment} kept ${kept} of ${builds} builds that long. Shorten the soak, or keep counting when newer builds are deployed.`;
    case Kind.SOURCE_WITHOUT_DESTINATIONS:
      return `${policyName} requires a soak in ${environment}, which has no destinations. Add a destination to ${environment}.`;
    case Kind.TARGET_WITHOUT_DESTINATIONS:
      return `${policyName} protects ${environment}, which has no destinations, so deployments to it fail. Add a destination to ${environment}.`;
    case Kind.PATTERN_MATCHES_NO_RECENT_BRANCH:
      return `${policyName} allows no recent branch: ${pattern} matches none of them${examples(recentBranches)}. Check the pattern.`;
    default:
      return `${policyName} may never pass.`;
  }
}

function approvals(count: number): string {
  return count === 1 ? '1 approval' : `${count} approvals`;
}

function voters(eligible: number): string {
  if (eligible === 0) return 'no member';
  return eligible === 1 ? 'only 1 member' : `only ${eligible} members`;
}

function examples(branches: readonly string[]): string {
  return branches.length === 0 ? '' : ` (most recent: ${branches.join(', ')})`;
}
