/** The gate's rules once more, as short as they can be said, sharing nothing with the implementation that is tried. */

export interface Rule {
  readonly enabled: boolean;
  readonly type: string;
  readonly config: Readonly<Record<string, unknown>>;
}

export interface Voice {
  readonly userId: string;
  readonly decision: string;
  readonly bypass: boolean;
}

export interface Situation {
  readonly authors: ReadonlySet<string>;
  readonly branch: string | null;
  readonly voices: readonly Voice[];
  readonly roleOf: (userId: string) => string | null;
  /** When the artifact last arrived at each destination of an environment, in milliseconds; null for never. */
  readonly arrivals: (environment: string) => readonly (number | null)[];
  readonly now: number;
}

/** Why a rule holds the release back; null when it does not. */
export function heldBy({ type, config }: Rule, situation: Situation): string | null {
  const { authors, branch, voices, roleOf, arrivals, now } = situation;
  switch (type) {
    case 'approval': {
      if (voices.some((voice) => voice.bypass && roleOf(voice.userId) === 'admin')) return null;
      const approvers = voices.filter(
        (voice) =>
          voice.decision === 'approved' &&
          !voice.bypass &&
          !authors.has(voice.userId) &&
          roleOf(voice.userId) !== null,
      );
      const required = Number(config['requiredApprovals']);
      return approvers.length >= required ? null : `${approvers.length} of ${required} approvals`;
    }
    case 'branch_restriction':
      return branch !== null && new RegExp(String(config['branchPattern'])).test(branch)
        ? null
        : `branch ${branch} is not of ${String(config['branchPattern'])}`;
    case 'soak_time': {
      const source = String(config['sourceEnvironment']);
      const youngest = now - Number(config['durationSeconds']) * 1_000;
      const times = arrivals(source);
      if (times.length === 0) return `${source} has no destinations`;
      if (times.some((at) => at === null)) return `never deployed to all of ${source}`;
      return times.every((at) => at !== null && at <= youngest)
        ? null
        : `not soaked long enough in ${source}`;
    }
    default:
      return `unknown type ${type}`;
  }
}
