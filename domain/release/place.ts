/** A build of a project. Builds are ordered by the first annotation of their commit; builds of one commit are equal. */
export interface Build {
  readonly artifactId: string;
  readonly slug: string;
  /** Null when none is recorded. */
  readonly branch: string | null;
  readonly order: number;
}

/** The build whose delivery to a place succeeded last. Moments are numbers of the database's sequence: later is larger. */
export interface LiveBuild extends Build {
  readonly since: Date;
  readonly moment: number;
  /** The release intent that deployed it; null when an admin said what runs there. */
  readonly intentId: string | null;
}

/** A delivery since the live build's that did not succeed. */
export interface FailedDelivery extends Build {
  readonly status: 'FAILED' | 'TIMED_OUT' | 'CANCELLED';
  readonly endedAt: Date;
  readonly endedMoment: number;
  /** Whether the receiver itself reported the failure; otherwise the build may be live there. */
  readonly reported: boolean;
}

/** A delivery that runs, waits in the queue, or was ended by the server and may still run at its receiver. */
export interface DeliveryInFlight extends Build {
  readonly releaseId: string;
  readonly intentId: string;
  /** When the release was requested. */
  readonly intentMoment: number;
  readonly isQueued: boolean;
  /** Whether its gate is open. */
  readonly isOpen: boolean;
}

/** A time in which this build, or an equal one, was live on a place. */
export interface LivePeriod {
  readonly beganAt: Date;
  /** When a delivery of another build started or one of this build did not succeed; null while it lasts. */
  readonly endedAt: Date | null;
  /** The slug of the other build; null when it was none. */
  readonly endedBy: string | null;
  /** The same, where deliveries of newer builds do not end it. */
  readonly outdatedAt: Date | null;
  readonly outdatedBy: string | null;
}

/** A destination, and what is known of one project there; `periods` are those of the build that is judged. */
export interface Place {
  readonly id: string;
  readonly name: string;
  readonly live: LiveBuild | null;
  /** Why the live build is uncertain beside the failures; null when nothing else makes it so. */
  readonly doubt: string | null;
  /** The latest first. */
  readonly failures: readonly FailedDelivery[];
  readonly inFlight: readonly DeliveryInFlight[];
  /** When the last delivery to it started; null when none did. */
  readonly lastStart: number | null;
  /** The destination's; raised when its address or settings change. */
  readonly revision: number;
  /** The latest first. */
  readonly periods: readonly LivePeriod[];
  /** The last newer build of another branch that went live there. */
  readonly otherNewer: { readonly slug: string; readonly branch: string; readonly moment: number } | null;
}

/** What makes a place uncertain. */
export interface UncertainPlace extends Pick<Place, 'doubt'> {
  readonly failures: readonly unknown[];
}

/** What the direction of a build depends on; `periods` are those of that build. */
export interface PlaceHistory {
  readonly live: Pick<Build, 'order'> | null;
  readonly periods: readonly Pick<LivePeriod, 'endedAt'>[];
}

/** The build that a release deploys, and when the release was requested. */
export interface Subject {
  readonly build: Build;
  readonly intentId: string;
  readonly requestedMoment: number;
}

/** How a delivery would change a place, in the order of concern. */
export type Direction = 'first' | 'forward' | 'same' | 'older' | 'rollback';

const RETURN_MS = 90 * 24 * 3_600_000;

/** Whether another build than the live one may be running. */
export const isUncertain = ({ doubt, failures }: UncertainPlace): boolean =>
  doubt !== null || failures.length > 0;

/** Whether the place runs this very build, with certainty and with nothing of the project in flight. */
export const runsAlready = (place: Place, { artifactId }: Build): boolean =>
  place.live?.artifactId === artifactId && !isUncertain(place) && place.inFlight.length === 0;

/** Whether the build, or an equal one, is live on the place or was within the last 90 days. */
export const isReturn = (
  { live, periods }: PlaceHistory,
  { order }: Pick<Build, 'order'>,
  now: Date,
): boolean =>
  live?.order === order ||
  periods.some(({ endedAt }) => endedAt === null || now.getTime() - endedAt.getTime() < RETURN_MS);

/** How the delivery of a build would change a place. */
export function directionAt(place: PlaceHistory, build: Pick<Build, 'order'>, now: Date): Direction {
  const { live } = place;
  if (live === null) return 'first';
  if (live.order === build.order) return 'same';
  if (live.order < build.order) return 'forward';
  return isReturn(place, build, now) ? 'rollback' : 'older';
}

const CONCERN: readonly Direction[] = ['rollback', 'older', 'forward', 'same', 'first'];

/** The direction of a release to several places: the one of most concern; `first` without places. */
export const directionOf = (
  places: readonly PlaceHistory[],
  build: Pick<Build, 'order'>,
  now: Date,
): Direction =>
  CONCERN.find((direction) => places.some((place) => directionAt(place, build, now) === direction)) ??
  'first';

/** Whether a release returns a place to an older build than its live one, and was requested after that one went live. */
export const isRollback = (place: Place, { build, requestedMoment }: Subject, now: Date): boolean =>
  place.live !== null &&
  place.live.order > build.order &&
  requestedMoment > place.live.moment &&
  isReturn(place, build, now);

/** Whether two builds are of one line: the same branch, or at least one of unknown branch. */
const isSameLine = (a: Build, b: Build): boolean =>
  a.branch === null || b.branch === null || a.branch === b.branch;

/** Why a release must not deploy to a place: it runs, or may run, a newer build that was not there when it was requested. */
export type Taken =
  | { readonly by: LiveBuild; readonly certainty: 'live' }
  | { readonly by: Build; readonly certainty: 'maybe'; readonly reason: string };

const ENDED = { FAILED: 'failed', TIMED_OUT: 'timed out', CANCELLED: 'was cancelled' } as const;

const time = (at: Date): string => `${at.toISOString().slice(11, 16)} UTC`;

/**
 * Whether and by what a place is taken for a release; null when it is free for it.
 * @param isApproved whether the environment has an approval policy: a live build of another branch then asks for new approvals
 * and takes no place. Without one nobody could look again.
 */
export function takenBy(place: Place, subject: Subject, isApproved: boolean): Taken | null {
  const { build, intentId, requestedMoment } = subject;
  const { live } = place;
  const isNewer = ({ order }: Build) => order > build.order;
  if (
    live !== null &&
    isNewer(live) &&
    live.moment > requestedMoment &&
    !(isApproved && !isSameLine(build, live))
  )
    return { by: live, certainty: 'live' };

  const failed = place.failures.find(
    (one) => isNewer(one) && !one.reported && one.endedMoment > requestedMoment,
  );
  if (failed !== undefined) {
    const reason = `${failed.slug} may be live on ${place.name}: ${ENDED[failed.status]} at ${time(failed.endedAt)}`;
    return { by: failed, certainty: 'maybe', reason };
  }
  const others = place.inFlight.filter((one) => one.intentId !== intentId && isNewer(one));
  const running = others.find(({ isQueued }) => !isQueued);
  if (running !== undefined) {
    const reason = `${running.slug} is being deployed to ${place.name}`;
    return { by: running, certainty: 'maybe', reason };
  }
  // Who asks for an older build than the live one wants it in spite of newer ones.
  if (live !== null && isNewer(live) && live.moment < requestedMoment) return null;
  const queued = others.find((one) => one.isOpen && isSameLine(one, build));
  if (queued === undefined) return null;
  return { by: queued, certainty: 'maybe', reason: `${queued.slug} is queued for ${place.name}` };
}
