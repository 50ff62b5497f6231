import type { GateVerdict } from '#domain/policy/evaluate.ts';
import { hold, holdOf, messageOf } from './hold-stage.ts';
import { type LiveBuild, type Place, runsAlready, type Subject, takenBy } from './place.ts';
import { isReleaseEnded } from './release-status.ts';
import type { SkippedPlace, Stage } from './stage.ts';
import { failToStart, startReleases, wantedOf } from './start.ts';
import { change, end, failureOf } from './transition.ts';

/** What decides over a deploy stage. Functions that throw close the gate. */
export interface DeployFacts {
  readonly environment: string;
  readonly subject: Subject;
  /** Whether what is live already is deployed again. */
  readonly force: boolean;
  /** Whether the environment has an enabled approval policy. */
  readonly hasApprovalPolicy: boolean;
  readonly gate: () => GateVerdict;
  /** Of all the environment's destinations. */
  readonly places: () => readonly Place[];
  /** Why the plans that the stage depends on must be made again first for these places; null when they are fresh. */
  readonly stalePlans: (places: readonly Place[]) => StalePlans | null;
}

export interface StalePlans {
  readonly reason: string;
  /** When they can be made again by themselves; null when time alone changes nothing. */
  readonly nextCheckAt: Date | null;
}

/** The places that a stage still has to deploy to, by what a newer build does there. */
interface Remaining {
  /** Taken by live builds, so the stage leaves them out. */
  readonly taken: readonly { readonly place: Place; readonly by: LiveBuild }[];
  readonly free: readonly Place[];
  /** Why the stage has to wait for what happens there. */
  readonly waits: readonly string[];
}

function remainingOf(stage: Stage, facts: DeployFacts): Remaining {
  const { wanted } = wantedOf(stage, facts.environment, facts.places());
  const queued = new Set(
    stage.releases.filter(({ status }) => status === 'QUEUED').map(({ destinationId }) => destinationId),
  );
  const isOpen = ({ id }: Place) => stage.releases.length === 0 || queued.has(id);
  const judged = wanted
    .filter(isOpen)
    .map((place) => ({ place, taken: takenBy(place, facts.subject, facts.hasApprovalPolicy) }));
  return {
    taken: judged.flatMap(({ place, taken }) =>
      taken?.certainty === 'live' ? [{ place, by: taken.by }] : [],
    ),
    free: judged.filter(({ taken }) => taken?.certainty !== 'live').map(({ place }) => place),
    waits: judged.flatMap(({ taken }) => (taken?.certainty === 'maybe' ? [taken.reason] : [])),
  };
}

const skip = ({ id, name }: Place, slug: string, why: SkippedPlace['why']): SkippedPlace => ({
  destinationId: id,
  destinationName: name,
  slug,
  why,
});

/** The stage without the places that newer builds have taken: their queued releases are cancelled. */
function leaveOut(stage: Stage, { taken }: Remaining): Stage {
  if (taken.length === 0) return stage;
  const slugOf = new Map(taken.map(({ place, by }) => [place.id, by.slug]));
  return {
    ...stage,
    skipped: [...stage.skipped, ...taken.map(({ place, by }) => skip(place, by.slug, 'newer'))],
    releases: stage.releases.map((release) => {
      const slug = slugOf.get(release.destinationId);
      if (slug === undefined || release.status !== 'QUEUED') return release;
      return { ...release, status: 'CANCELLED', errorMessage: `skipped: runs ${slug}, newer` };
    }),
  };
}

const newest = ({ taken }: Remaining): LiveBuild | null =>
  taken.reduce<LiveBuild | null>(
    (last, { by }) => (last === null || by.order > last.order ? by : last),
    null,
  );

/**
 * The end of a stage whose remaining places all run newer builds; null when it has anything left to do. Also for stages that are not
 * reached yet. A stage that had deployed somewhere ends with what it did there.
 */
export function supersede(stage: Stage, facts: DeployFacts, now: Date): Stage | null {
  const remaining = remainingOf(stage, facts);
  const by = newest(remaining);
  if (by === null || remaining.free.length > 0) return null;
  const left = leaveOut(stage, remaining);
  if (deployedBy(left).length > 0) return finish(left, now);
  const supersededBy = { artifactId: by.artifactId, slug: by.slug, intentId: by.intentId };
  return end(change(left, { supersededBy }), 'CANCELLED', `superseded by ${by.slug}`, now);
}

/** The releases of a stage that were not left out. */
const deployedBy = ({ releases, skipped }: Stage) =>
  releases.filter(({ destinationId }) => !skipped.some((one) => one.destinationId === destinationId));

/** A stage of which no release is queued: ended when all have, with the outcome of those that were not left out. */
function finish(stage: Stage, now: Date): Stage {
  const deployed = deployedBy(stage);
  if (deployed.every(({ status }) => isReleaseEnded(status))) {
    const failure = failureOf(deployed);
    return end(stage, failure === null ? 'SUCCEEDED' : 'FAILED', failure, now);
  }
  // Nothing is left to block, so the stage is active, even if it was blocked before.
  const active = { status: 'ACTIVE', reason: null, nextCheckAt: null } as const;
  return change(stage, { ...active, startedAt: stage.startedAt ?? now });
}

/**
 * One step of a deploy stage whose dependencies have succeeded. What its places run is looked at, and the gate is evaluated, while any
 * of its releases has not started; an active stage is blocked again when the gate has closed (its queued releases wait, its
 * running ones finish). It ends when all its releases have: succeeded if every one did, else failed.
 */
export function stepDeployStage(stage: Stage, facts: DeployFacts, now: Date): Stage {
  const { releases } = stage;
  if (releases.length > 0 && !releases.some(({ status }) => status === 'QUEUED')) return finish(stage, now);
  let remaining: Remaining;
  try {
    const superseded = supersede(stage, facts, now);
    if (superseded !== null) return superseded;
    remaining = remainingOf(stage, facts);
  } catch (error) {
    const reason = `what is live could not be read: ${messageOf(error)}`;
    return hold(stage, { blockedByApproval: false, reason, nextCheckAt: null }, now);
  }
  const already =
    releases.length > 0 || facts.force
      ? []
      : remaining.free.filter((place) => runsAlready(place, facts.subject.build));
  const live = already.map((place) => skip(place, facts.subject.build.slug, 'live'));
  if (already.length > 0 && already.length === remaining.free.length) {
    const left = leaveOut(stage, remaining);
    const skipped = [...left.skipped, ...live];
    return end({ ...left, skipped, alreadyLive: true }, 'SUCCEEDED', null, now);
  }
  const held = holdOf(facts.gate);
  const { waits } = remaining;
  if (held !== null) {
    const reason = [held.reason ?? 'blocked by a policy', ...waits].join('; ');
    return hold(stage, { ...held, reason }, now);
  }
  const starting = remaining.free.filter((place) => !already.includes(place));
  if (waits.length > 0)
    return hold(stage, { blockedByApproval: false, reason: waits.join('; '), nextCheckAt: null }, now);
  const stale = facts.stalePlans(starting);
  if (stale !== null) return hold(stage, { blockedByApproval: false, ...stale }, now);
  if (releases.length === 0) {
    const { problem } = wantedOf(stage, facts.environment, facts.places());
    if (problem !== null) return failToStart(stage, problem, now);
  }
  const left = leaveOut(stage, remaining);
  const skipped = [...left.skipped, ...live];
  return startReleases(skipped.length === stage.skipped.length ? left : { ...left, skipped }, starting, now);
}
