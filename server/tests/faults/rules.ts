/** A second, minimal implementation of the gate's rules that shares no code with the product. */

export interface Rule {
  readonly enabled: boolean;
  readonly type: string;
  readonly config: Readonly<Record<string, unknown>>;
}

export interface ReplayedVote {
  readonly userId: string;
  readonly decision: string;
  readonly bypass: boolean;
}

export interface GateFacts {
  readonly authors: ReadonlySet<string>;
  readonly branch: string | null;
  /** Those that no rollback, other build or change of a role has outdated. */
  readonly votes: readonly ReplayedVote[];
  readonly roleOf: (userId: string) => string | null;
  /** When the build was live on each destination of an environment, in milliseconds; the end is null while it lasts. */
  readonly periods: (environment: string, newerBuildsCount: boolean) => readonly (readonly Period[])[];
  /** Whether every destination of an environment runs the build, or ran it before. */
  readonly isReturn: (environment: string) => boolean;
  readonly now: number;
}

/** A time in which the build was live on a destination. */
export interface Period {
  readonly began: number;
  readonly ended: number | null;
}

/** The votes that count as approvals. */
export const approvals = ({ votes, authors, roleOf }: GateFacts): readonly ReplayedVote[] =>
  votes.filter(
    ({ userId, decision, bypass }) =>
      decision === 'approved' && !bypass && !authors.has(userId) && roleOf(userId) !== null,
  );

/** The bypasses that count. */
export const bypasses = ({ votes, roleOf }: GateFacts): readonly ReplayedVote[] =>
  votes.filter(({ userId, bypass }) => bypass && roleOf(userId) === 'admin');

/** Why a policy blocks the release; null if it does not. */
export function blockedBy({ type, config }: Rule, facts: GateFacts): string | null {
  const { branch, periods, isReturn, now } = facts;
  switch (type) {
    case 'approval': {
      if (bypasses(facts).length > 0) return null;
      const required = Number(config['requiredApprovals']);
      const found = approvals(facts).length;
      return found >= required ? null : `${found} of ${required} approvals`;
    }
    case 'branch_restriction':
      return branch !== null && new RegExp(String(config['branchPattern'])).test(branch)
        ? null
        : `branch ${branch} does not match ${String(config['branchPattern'])}`;
    case 'soak_time': {
      const source = String(config['sourceEnvironment']);
      const duration = Number(config['durationSeconds']) * 1_000;
      // A return to what ran there before needs no soak.
      if (isReturn(String(config['targetEnvironment']))) return null;
      const sources = periods(source, config['newerBuildsCount'] === true);
      if (sources.length === 0) return `${source} has no destinations`;
      if (sources.some((each) => each.length === 0)) return `never deployed to all of ${source}`;
      const isSoaked = ({ began, ended }: Period) => (ended ?? now) - began >= duration;
      return sources.every((each) => each.some(isSoaked)) ? null : `not soaked long enough in ${source}`;
    }
    default:
      return `unknown type ${type}`;
  }
}
