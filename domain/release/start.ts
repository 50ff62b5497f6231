import type { Stage, StageRelease } from './stage.ts';
import { change, end } from './transition.ts';

/** A destination of an environment. */
export interface Destination {
  readonly id: string;
  readonly name: string;
}

/** Whether a stage goes to a destination of its environment. */
export const isWanted = (
  { onlyDestinations }: Pick<Stage, 'onlyDestinations'>,
  { name }: Pick<Destination, 'name'>,
): boolean => onlyDestinations?.includes(name) ?? true;

/** The destinations that a stage goes to, or why it cannot: there is none, or a named one no longer exists. */
export function wantedOf<T extends Destination>(
  stage: Pick<Stage, 'onlyDestinations'>,
  environment: string,
  destinations: readonly T[],
): { readonly wanted: readonly T[]; readonly problem: string | null } {
  const wanted = destinations.filter((one) => isWanted(stage, one));
  // A partial deployment must not count as the requested one.
  const missing =
    stage.onlyDestinations?.filter((name) => !destinations.some((one) => one.name === name)) ?? [];
  const problem =
    destinations.length === 0
      ? `environment ${environment} has no destinations`
      : missing.length > 0
        ? `environment ${environment} has no destination ${missing.join(', ')}`
        : wanted.length === 0
          ? `no destination of ${environment} was chosen`
          : null;
  return { wanted, problem };
}

/** The first run of a release. */
export const queued = ({ id, name }: Destination): StageRelease => ({
  destinationId: id,
  destinationName: name,
  status: 'QUEUED',
  errorMessage: null,
  run: 1,
  startedMoment: null,
  destinationRevision: null,
  planDigest: null,
});

/** A release that is queued for another run. */
export const queuedAgain = (release: StageRelease): StageRelease => ({
  ...release,
  status: 'QUEUED',
  errorMessage: null,
  run: release.run + 1,
  startedMoment: null,
  destinationRevision: null,
  planDigest: null,
});

/** Starts a stage: `ACTIVE`, with one `QUEUED` release for each destination. If it already has releases, none are added. */
export function startReleases(stage: Stage, destinations: readonly Destination[], now: Date): Stage {
  const active = {
    status: 'ACTIVE',
    reason: null,
    nextCheckAt: null,
    queuedAt: stage.queuedAt ?? now,
    startedAt: stage.startedAt ?? now,
  } as const;
  if (stage.releases.length > 0) return change(stage, active);
  const each = new Map(destinations.map((destination) => [destination.id, destination]));
  return { ...stage, ...active, releases: [...each.values()].map(queued) };
}

/** A stage that cannot start fails. */
export const failToStart = (stage: Stage, problem: string, now: Date): Stage =>
  end({ ...stage, queuedAt: stage.queuedAt ?? now }, 'FAILED', problem, now);
