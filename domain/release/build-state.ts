import { isUncertain } from './place.ts';
import type { ReleaseStatus } from './stage.ts';

/** A delivery to a place that has not succeeded, since its live build's. */
export interface FailedAttempt {
  readonly artifactId: string;
  readonly slug: string;
  readonly status: 'FAILED' | 'TIMED_OUT' | 'CANCELLED';
  readonly endedAt: Date;
  /** Whether the receiver itself reported the failure; otherwise the build may be live there. */
  readonly reported: boolean;
}

/** What a place runs, as far as it is known. */
export interface KnownPlace {
  readonly live: { readonly artifactId: string; readonly slug: string } | null;
  /** Why the live build is uncertain beside the failures; null when nothing else makes it so. */
  readonly doubt: string | null;
  /** The latest first. */
  readonly failures: readonly FailedAttempt[];
}

/** The deliveries of one build to a place. */
export interface BuildAttempts {
  readonly artifactId: string;
  /** Statuses of those that have not ended. */
  readonly open: readonly ReleaseStatus[];
  /** Whether it was ever live there. */
  readonly wasLive: boolean;
  /** How the last one ended, or its present status; null when there was none. A late report replaces the end that the server decided. */
  readonly last: ReleaseStatus | null;
}

/** The state of one build at one destination. */
export type BuildState =
  | 'NOT_DEPLOYED'
  | 'LIVE'
  | 'REPLACED'
  | 'DEPLOYING'
  | 'QUEUED'
  | 'FAILED'
  | 'TIMED_OUT'
  | 'CANCELLED'
  | 'UNCERTAIN';

/** The state of a build at a place: the first that applies. */
export function buildState(place: KnownPlace, build: BuildAttempts): BuildState {
  if (build.open.some((status) => status !== 'QUEUED')) return 'DEPLOYING';
  if (build.open.length > 0) return 'QUEUED';
  const isLive = place.live?.artifactId === build.artifactId;
  if (mayRun(place, build.artifactId, isLive)) return 'UNCERTAIN';
  if (isLive) return 'LIVE';
  if (build.wasLive) return 'REPLACED';
  return build.last === null ? 'NOT_DEPLOYED' : lastAttemptState(build.last, false);
}

/** Whether the place may run the build but does not with certainty. A build whose receiver reported its failure is not there. */
const mayRun = (place: KnownPlace, artifactId: string, isLive: boolean): boolean =>
  isLive
    ? isUncertain(place)
    : place.failures.some(
        (one) => one.artifactId === artifactId && !(one.status === 'FAILED' && one.reported),
      );

/** The last attempt as a state; one that succeeded is live or has been replaced. */
export function lastAttemptState(last: ReleaseStatus, isLive: boolean): BuildState {
  if (last === 'SUCCEEDED') return isLive ? 'LIVE' : 'REPLACED';
  return last === 'ASSIGNED' || last === 'RUNNING' ? 'DEPLOYING' : last;
}

const ENDED = { FAILED: 'failed', TIMED_OUT: 'timed out', CANCELLED: 'was cancelled' } as const;

/** Why a place is uncertain, such as `2.0.1 timed out at 10:02 UTC`; null when it is not. */
export function uncertainReason({ doubt, failures }: KnownPlace): string | null {
  const [latest] = failures;
  if (latest === undefined) return doubt;
  return `${latest.slug} ${ENDED[latest.status]} at ${latest.endedAt.toISOString().slice(11, 16)} UTC`;
}
