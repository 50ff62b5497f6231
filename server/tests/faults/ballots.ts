import type { DatabaseRecord } from './record.ts';
import type { ReplayedVote } from './rules.ts';

export interface RecordedVote extends ReplayedVote {
  readonly comment: string | null;
}

/** A vote, and what has happened to it since. */
interface Given {
  readonly vote: RecordedVote;
  /** In the events. */
  readonly position: number;
  /** By the database's sequence, which decides between a vote and a rollback at the same time. */
  readonly moment: number;
  /** Its user has left the organisation since, or is no longer an admin. */
  wasRemoved: boolean;
  wasDemoted: boolean;
}

export const voteKey = (intentId: string, environment: string): string => `${intentId} ${environment}`;

/** The current votes, replayed: "while its user has been a member (for a bypass, an admin) without interruption". */
export class Ballots {
  private readonly given = new Map<string, Map<string, Given>>();
  private readonly moments: Map<string, number[]>;

  constructor({ voteMoments }: Pick<DatabaseRecord, 'voteMoments'>) {
    this.moments = new Map();
    for (const { intentId, environment, userId, moment } of voteMoments) {
      const key = `${voteKey(intentId, environment)} ${userId}`;
      this.moments.set(key, [...(this.moments.get(key) ?? []), moment]);
    }
  }

  of(key: string): readonly RecordedVote[] {
    return [...(this.given.get(key)?.values() ?? [])].map(({ vote }) => vote);
  }

  find(key: string, userId: string): RecordedVote | undefined {
    return this.given.get(key)?.get(userId)?.vote;
  }

  cast(key: string, vote: RecordedVote, position: number): void {
    const current = this.given.get(key) ?? new Map<string, Given>();
    this.given.set(key, current);
    const moment = this.moments.get(`${key} ${vote.userId}`)?.shift() ?? Number.NaN;
    current.set(vote.userId, { vote, position, moment, wasRemoved: false, wasDemoted: false });
  }

  withdraw(key: string, userId: string): void {
    this.given.get(key)?.delete(userId);
  }

  setRole(userId: string, role: string | null): void {
    for (const votes of this.given.values()) {
      const one = votes.get(userId);
      if (one !== undefined && role === null) one.wasRemoved = true;
      if (one !== undefined && role !== 'admin') one.wasDemoted = true;
    }
  }

  /** The approvals and bypasses whose users had their role all the time, given after a position and after a moment. */
  lasting(key: string, position: number, moment: number): readonly RecordedVote[] {
    return [...(this.given.get(key)?.values() ?? [])].flatMap((one) => {
      const { vote } = one;
      const isInterrupted = vote.bypass ? one.wasRemoved || one.wasDemoted : one.wasRemoved;
      const counts = vote.decision === 'approved' && !isInterrupted;
      return counts && one.position > position && one.moment > moment ? [vote] : [];
    });
  }

  all(): ReadonlyMap<string, ReadonlyMap<string, RecordedVote>> {
    const votesOf = (votes: ReadonlyMap<string, Given>) =>
      new Map([...votes].map(([userId, { vote }]) => [userId, vote]));
    return new Map([...this.given].map(([key, votes]) => [key, votesOf(votes)]));
  }
}
