/** A user's current vote on one release intent and environment, with what decides whether it counts. */

export type Role = 'member' | 'admin';
/** What a caller is to an organisation: a member in a role, or one of its service accounts, which never vote. */
export type Standing = Role | 'service';
/** The role that a standing votes with; null, and so uncounted, for a service account. */
export const votingRole = (standing: Standing): Role | null => (standing === 'service' ? null : standing);

export type Decision = 'approved' | 'rejected';

export interface Vote {
  readonly userId: string;
  readonly username: string;
  readonly decision: Decision;
  /** True for an admin's bypass, which is stored as an approval. */
  readonly bypass: boolean;
  readonly comment: string | null;
  readonly decidedAt: Date;
  /** The user's role in the organisation now; null when the user is no longer a member. */
  readonly role: Role | null;
  /** Whether the user is an author of the release: asked for it, or is named as the source of what is released. */
  readonly isAuthor: boolean;
}
