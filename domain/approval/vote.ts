/** A user's current vote on one release intent and environment, with what decides whether it counts. */

export type Role = 'member' | 'admin';
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
  /** Whether the user asked for the release. */
  readonly isAuthor: boolean;
}
