export type Role = 'member' | 'admin';
/** What a caller is to an organisation: a member with a role, or one of its service accounts, which never vote. */
export type CallerRole = Role | 'service';
/** The role that a caller votes with; null for a service account, whose votes never count. */
export const votingRole = (role: CallerRole): Role | null => (role === 'service' ? null : role);

export type Decision = 'approved' | 'rejected';

/** A user's current vote on one release intent and environment, with what decides whether it counts. */
export interface Vote {
  readonly userId: string;
  readonly username: string;
  readonly decision: Decision;
  /** True for an admin's bypass, which is stored as an approval. */
  readonly bypass: boolean;
  readonly comment: string | null;
  readonly decidedAt: Date;
  /** The user's present role in the organisation; null for former members. */
  readonly role: Role | null;
  /** Whether the user is an author of the release. */
  readonly isAuthor: boolean;
  /** When it was given, by the database's sequence; a vote that is being cast is later than all others. */
  readonly moment: number;
  /** Why it no longer counts although the user still has the role (`whyOutdated`); null when nothing speaks against it. */
  readonly outdated: string | null;
}

/** The moment of a vote that is not stored yet. */
export const NOW_MOMENT = Number.MAX_SAFE_INTEGER;

/** The votes after `cast`, which replaces an earlier vote of the same user. */
export const withVote = (votes: readonly Vote[], cast: Vote): Vote[] => [
  ...votes.filter((vote) => vote.userId !== cast.userId),
  cast,
];
