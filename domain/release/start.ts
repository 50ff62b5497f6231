import type { Stage } from './stage.ts';
import { change, end } from './transition.ts';

/** Where a release can go: one destination of an environment. */
export interface Destination {
  readonly id: string;
  readonly name: string;
}

/**
 * A deploy or plan stage set going: `ACTIVE`, with one `QUEUED` release per destination of the environment, or per named
 * one of a narrowed stage. Fails the stage, and says so, when there is none or a named one no longer exists: a part of
 * what was asked for must not pass as all of it. Releases that exist already are kept as they are and none is added.
 */
export function startReleases(
  stage: Stage,
  environment: string,
  destinations: readonly Destination[],
  now: Date,
): Stage {
  const going = {
    status: 'ACTIVE',
    reason: null,
    nextCheckAt: null,
    queuedAt: stage.queuedAt ?? now,
    startedAt: stage.startedAt ?? now,
  } as const;
  if (stage.releases.length > 0) return change(stage, going);

  const failed = (message: string): Stage =>
    end({ ...stage, queuedAt: stage.queuedAt ?? now }, 'FAILED', message, now);
  if (destinations.length === 0) return failed(`environment ${environment} has no destinations`);
  const gone = stage.onlyDestinations?.filter((name) => !destinations.some((one) => one.name === name)) ?? [];
  if (gone.length > 0) return failed(`environment ${environment} has no destination ${gone.join(', ')}`);

  const wanted = new Map(
    destinations
      .filter(({ name }) => stage.onlyDestinations?.includes(name) ?? true)
      .map((destination) => [destination.id, destination]),
  );
  if (wanted.size === 0) return failed(`no destination of ${environment} was chosen`);
  const releases = [...wanted.values()].map(({ id, name }) => ({
    destinationId: id,
    destinationName: name,
    status: 'QUEUED' as const,
    errorMessage: null,
  }));
  return { ...stage, ...going, releases };
}
