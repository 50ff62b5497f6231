import { leadsBackTo } from '#domain/release/commit-range.ts';
import { type Direction, directionAt, directionOf } from '#domain/release/place.ts';
import { compareUrl } from '#domain/repository/compare-url.ts';
import type { AppContext } from '#server/context.ts';
import { notFound } from '#server/failure.ts';
import type { ProjectScope } from '#server/wire/scopes.ts';
import * as store from './store.ts';

export interface PlaceComparison extends store.ComparedPlace {
  /** Null when no build is compared. */
  readonly direction: Direction | null;
}

export interface Comparison
  extends Pick<store.ComparisonRow, 'builds' | 'commits' | 'commitsTotal' | 'contributors'> {
  readonly places: readonly PlaceComparison[];
  readonly direction: Direction | null;
  /** Whether `commits` are all commits between the live build and the compared one. */
  readonly commitsComplete: boolean;
  readonly compareUrl: string | null;
}

/**
 * Compares a build with what the destinations of an environment run of its project.
 * @param request without an artifact only the live builds are answered; no destinations mean all of the environment
 * @throws Failure not_found for an unknown environment or destination, or an artifact that is not the project's.
 */
export async function compareRelease(
  app: AppContext,
  { organisationId, projectId }: ProjectScope,
  request: {
    readonly artifactId: string | null;
    readonly environment: string;
    readonly destinations: readonly string[];
  },
): Promise<Comparison> {
  const { artifactId, environment, destinations } = request;
  const [row] = await app.db.run(store.findComparison, [
    organisationId,
    projectId,
    artifactId,
    environment,
    destinations.length === 0 ? null : destinations,
  ]);
  if (row?.known !== true) throw notFound(`Environment "${environment}"`);
  const { build } = row;
  if (artifactId !== null && build === null) throw notFound(`Artifact ${artifactId}`);
  const missing = destinations.find((name) => row.places.every((place) => place.name !== name));
  if (missing !== undefined) throw notFound(`Destination "${missing}" in ${environment}`);
  const now = app.clock.now();
  const places = row.places.map((place) => ({
    ...place,
    direction: build && directionAt(historyOf(place), build, now),
  }));
  return { ...row, places, ...(build === null ? NOT_COMPARED : differenceOf(build, row, now)) };
}

const NOT_COMPARED = { direction: null, commitsComplete: false, compareUrl: null };

const historyOf = ({ live, periods }: store.ComparedPlace) => ({
  live,
  periods: periods.map(({ endedAt }) => ({ endedAt: endedAt === null ? null : new Date(endedAt) })),
});

function differenceOf(build: store.ComparedBuild, { places, ranges }: store.ComparisonRow, now: Date) {
  const direction = directionOf(places.map(historyOf), build, now);
  // As in the statement: the newest live build if this one is older than that, else the oldest.
  const byAge = places.flatMap(({ live }) => live ?? []).toSorted((a, b) => a.order - b.order);
  const replacesNewer = direction === 'rollback' || direction === 'older';
  const live = replacesNewer ? byAge.at(-1) : byAge[0];
  if (live === undefined) return { ...NOT_COMPARED, direction };
  const [older, newer] = replacesNewer ? [build, live] : [live, build];
  return {
    direction,
    commitsComplete: leadsBackTo(older.commitSha, newer.commitSha, ranges),
    compareUrl: build.repoUrl === null ? null : compareUrl(build.repoUrl, live.commitSha, build.commitSha),
  };
}
