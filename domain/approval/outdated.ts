import type { Rollback } from '#domain/policy/hold.ts';
import type { Place } from '#domain/release/place.ts';
import type { DestinationChange } from './destination-changes.ts';

/** Something after which earlier approvals and bypasses of an environment no longer count, because somebody has to look again. */
export interface Renewal {
  /** By the database's sequence. */
  readonly moment: number;
  /** What happened, such as `production was rolled back`. */
  readonly what: string;
}

/**
 * What happened in an environment after which approvals of a release have to be given again.
 * @param changes of destinations to which the release has yet to be deployed there (`changesFor`). One that was removed is left out:
 * less is deployed than was approved.
 */
export function renewalsOf(
  environment: string,
  places: readonly Pick<Place, 'otherNewer'>[],
  rollbacks: readonly Pick<Rollback, 'intentId' | 'moment'>[],
  changes: readonly Pick<DestinationChange, 'destination' | 'change' | 'moment'>[],
  intentId: string,
): Renewal[] {
  const rolledBack = rollbacks
    .filter((rollback) => rollback.intentId !== intentId)
    .map(({ moment }) => ({ moment, what: `${environment} was rolled back` }));
  const replaced = places.flatMap(({ otherNewer }) => {
    if (otherNewer === null) return [];
    const { moment, slug, branch } = otherNewer;
    return [{ moment, what: `${slug} of another branch, ${branch}, went live` }];
  });
  const changed = changes
    .filter(({ change }) => change !== 'removed')
    .map(({ destination, change, moment }) => ({ moment, what: `${destination} was ${change}` }));
  return [...rolledBack, ...replaced, ...changed];
}

/** When a vote was given, and since when its user has had their role, by the database's sequence. */
export interface VoteMoments {
  readonly decision: 'approved' | 'rejected';
  readonly bypass: boolean;
  readonly moment: number;
  /** Null for former members. */
  readonly memberSince: number | null;
  /** Null for members who are no admin. */
  readonly adminSince: number | null;
}

/** Why an approval or bypass no longer counts although its user still has the role; null when it counts, and for rejections. */
export function whyOutdated(vote: VoteMoments, renewals: readonly Renewal[]): string | null {
  if (vote.decision === 'rejected') return null;
  if (vote.bypass && vote.adminSince !== null && vote.adminSince > vote.moment)
    return 'given before they became an admin again';
  if (!vote.bypass && vote.memberSince !== null && vote.memberSince > vote.moment)
    return 'given before they joined again';
  const latest = renewals
    .filter(({ moment }) => moment > vote.moment)
    .reduce<Renewal | null>((last, one) => (last === null || one.moment > last.moment ? one : last), null);
  return latest === null ? null : `given before ${latest.what}`;
}
