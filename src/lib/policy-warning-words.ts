import { PolicyWarningKind as Kind, type PolicyWarning } from '#src/gen/forest/v1/policies_pb.ts';

/**
 * A policy's warning as a sentence that says what is in the way and what would help. `about` is whether a release is in
 * mind: then its author is known, and left out of who may vote.
 */
export function policyWarningWords(warning: PolicyWarning, about: 'policy' | 'release'): string {
  const { policyName, required, eligible, environment, pattern, recentBranches } = warning;
  switch (warning.kind) {
    case Kind.NOT_ENOUGH_VOTERS: {
      const who = about === 'release' ? 'besides the author' : 'besides the author of a release';
      return `${policyName} asks for ${approvals(required)}, but ${onlySo(eligible)} ${who}. Add members, or ask for fewer approvals.`;
    }
    case Kind.ONLY_AUTHOR_COULD_VOTE:
      return about === 'release'
        ? `${policyName} asks for ${approvals(required)}, but its author is the organisation's only member. Add a member who can approve.`
        : `${policyName} asks for ${approvals(required)}, but the organisation has one member, who cannot approve their own releases. Add a member.`;
    case Kind.SOURCE_WITHOUT_DESTINATIONS:
      return `${policyName} waits for a soak in ${environment}, which has no destinations: nothing can ever run there. Add a destination to ${environment}.`;
    case Kind.TARGET_WITHOUT_DESTINATIONS:
      return `${policyName} guards ${environment}, which has no destinations: a deployment to it fails. Add a destination to ${environment}.`;
    case Kind.PATTERN_MATCHES_NO_RECENT_BRANCH:
      return `${policyName} lets no recent branch pass: ${pattern} matches none of them${examples(recentBranches)}. Check the pattern.`;
    default:
      return `${policyName} looks as if it could never pass.`;
  }
}

function approvals(count: number): string {
  return count === 1 ? '1 approval' : `${count} approvals`;
}

function onlySo(eligible: number): string {
  if (eligible === 0) return 'nobody may vote';
  return eligible === 1 ? 'only 1 member may vote' : `only ${eligible} members may vote`;
}

function examples(branches: readonly string[]): string {
  return branches.length === 0 ? '' : ` (the latest: ${branches.join(', ')})`;
}
