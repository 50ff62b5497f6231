import { tallyVotes } from '#domain/approval/tally.ts';
import type { Vote } from '#domain/approval/vote.ts';
import type { Subject } from '#domain/release/place.ts';
import type { RuleVerdict } from './rule-verdict.ts';
import { block, pass } from './rule-verdict.ts';

/** What a rollback leaves behind in an environment of a project. */
export interface Hold {
  /** When it began, by the database's sequence. */
  readonly moment: number;
  /** Who requested the rollback. */
  readonly username: string;
  /** The slug of the build that was returned to. */
  readonly slug: string;
  /** Whether this release may start in spite of it without a new vote: it is no newer than that build, or a person requested it later. */
  readonly exempt: boolean;
}

/** A rollback of an environment. */
export interface Rollback {
  /** When it began, by the database's sequence. */
  readonly moment: number;
  readonly intentId: string;
  readonly username: string;
  readonly slug: string;
  /** The order of the build that was returned to. */
  readonly order: number;
  /** Whether what it left behind still holds. */
  readonly holds: boolean;
}

/**
 * The hold that the rollbacks of an environment left behind, as it concerns a release; null when nothing holds.
 * @param byPerson whether a person requested the release, not a service account.
 */
export function holdOn(
  rollbacks: readonly Rollback[],
  { build, intentId, requestedMoment }: Subject,
  byPerson: boolean,
): Hold | null {
  const [last] = rollbacks.filter(({ holds }) => holds).sort((a, b) => b.moment - a.moment);
  if (last === undefined) return null;
  const { moment, username, slug } = last;
  const requestedLater = byPerson && requestedMoment > moment;
  const exempt = last.intentId === intentId || build.order <= last.order || requestedLater;
  return { moment, username, slug, exempt };
}

/** Passes for older builds, and when somebody has let this release through since the hold began: by a request, approval or bypass. */
export function evaluateHold(hold: Hold, votes: readonly Vote[]): RuleVerdict {
  const since = `${hold.username} rolled back to ${hold.slug}`;
  if (hold.exempt) return pass(`not held, although ${since}`);
  const later = tallyVotes(votes, 1).decisions.find(
    ({ counted, decision, moment }) => counted && decision === 'approved' && moment > hold.moment,
  );
  return later === undefined
    ? block(`on hold since ${since}`)
    : pass(`let through by ${later.username} after ${since}`);
}
