import type { GateVerdict } from '#domain/policy/evaluate.ts';
import { hold, holdOf } from './hold-stage.ts';
import type { Place } from './place.ts';
import { isReleaseEnded } from './release-status.ts';
import type { Stage, StageRelease } from './stage.ts';
import {
  type Destination,
  failToStart,
  isWanted,
  queued,
  queuedAgain,
  startReleases,
  wantedOf,
} from './start.ts';
import { change, end, failureOf } from './transition.ts';

/** How often a plan is made again by itself, and how long after the last time; then somebody asks for it. */
const AUTOMATIC_RUNS = 3;
const PAUSE_MS = 10 * 60_000;

/** Identifies the outputs of a plan: a line for each destination, which begins with its id. */
const outputsOf = (releases: readonly StageRelease[]): string =>
  releases
    .map(({ destinationId, planDigest }) => `${destinationId} ${planDigest ?? ''}`)
    .sort()
    .join('\n');

/** What decides over a plan stage. */
export interface PlanFacts {
  readonly environment: string;
  readonly autoApprove: boolean;
  /** All destinations of the environment. */
  readonly destinations: readonly Destination[];
  /** Whether a destination makes plans, by its settings. */
  readonly canPlan: (destinationId: string) => boolean;
  /** The verdict of the environment's branch rules. If it throws, the gate is closed. */
  readonly branchGate: () => GateVerdict;
  /** Whether the deployments that depend on it would leave out all of its destinations. */
  readonly nothingToPlan: () => boolean;
}

/** Why destinations get no plan. */
function cannotPlan(names: readonly string[]): string {
  const [their, receivers] = names.length === 1 ? ['its', 'receiver handles'] : ['their', 'receivers handle'];
  return `${names.join(', ')} cannot plan; an admin can turn on Plans in ${their} settings once ${their} ${receivers} plan.requested`;
}

/** A plan stage of which nothing more is sent. It fails when what was sent has ended. */
function failUnsent(stage: Stage, problem: string, now: Date): Stage {
  const releases = stage.releases.map(
    (release): StageRelease =>
      release.status === 'QUEUED' ? { ...release, status: 'CANCELLED', errorMessage: problem } : release,
  );
  const left = { ...stage, releases };
  return releases.every(({ status }) => isReleaseEnded(status)) ? failToStart(left, problem, now) : left;
}

/**
 * One step of a plan stage whose dependencies have succeeded: it plans at every destination, then waits for a user's verdict
 * unless it approves automatically or its output equals the one that was approved before. A plan deploys nothing, so only the branch
 * rules are evaluated, until the last destination has started. It fails before anything is sent if a destination cannot plan. A rejection
 * overrides automatic approval and keeps its reason.
 */
export function stepPlanStage(stage: Stage, facts: PlanFacts, now: Date): Stage {
  const { environment, autoApprove, destinations, canPlan, branchGate, nothingToPlan } = facts;
  const { wanted, problem } = wantedOf(stage, environment, destinations);
  // The plans of destinations that were removed since are of no use.
  const releases = stage.releases.filter(({ destinationId }) =>
    wanted.some(({ id }) => id === destinationId),
  );
  const isNew = releases.length === 0;
  if (isNew && problem !== null) return failToStart(stage, problem, now);
  if (isNew && nothingToPlan()) return end({ ...stage, alreadyLive: true }, 'SUCCEEDED', null, now);
  const waiting = new Set(
    releases.filter(({ status }) => status === 'QUEUED').map(({ destinationId }) => destinationId),
  );
  if (isNew || waiting.size > 0) {
    const held = holdOf(branchGate);
    if (held !== null) return hold(stage, held, now);
    const unable = wanted.filter(({ id }) => (isNew || waiting.has(id)) && !canPlan(id));
    if (unable.length > 0) return failUnsent(stage, cannotPlan(unable.map(({ name }) => name)), now);
  }
  if (isNew) {
    const started = startReleases({ ...stage, releases: [] }, wanted, now);
    return { ...started, releases: [...stage.releases, ...started.releases] };
  }
  if (!stage.releases.every(({ status }) => isReleaseEnded(status)))
    return change(stage, { status: 'ACTIVE', reason: null, nextCheckAt: null });

  const failure = failureOf(releases);
  if (failure !== null) return end(stage, 'FAILED', failure, now);
  if (stage.planApproval === 'REJECTED')
    return end(stage, 'FAILED', stage.errorMessage ?? 'plan rejected', now);
  const outputs = outputsOf(releases);
  if (stage.planApproval === 'APPROVED' || autoApprove || stage.approvedPlan === outputs) {
    const approved = change(stage, { planApproval: 'APPROVED', approvedPlan: outputs });
    return end(approved, 'SUCCEEDED', null, now);
  }
  return change(stage, { status: 'AWAITING_APPROVAL', planApproval: 'AWAITING' });
}

/** The destinations whose plans were approved. */
const approvedAt = ({ planApproval, approvedPlan }: Stage): string[] =>
  planApproval === 'APPROVED' && approvedPlan
    ? approvedPlan.split('\n').map((line) => line.split(' ', 1)[0] ?? '')
    : [];

const were = (names: readonly string[], what: string): string[] =>
  names.length === 0 ? [] : [`${names.join(', ')} ${names.length === 1 ? 'was' : 'were'} ${what}`];

/**
 * Why a plan no longer shows what a deployment would do, such as `something else was deployed to eu-west`; null while it does, and for a
 * plan that was not made.
 * @param ahead the places that have yet to be deployed to.
 * @param known the ids of all destinations of the environment, and of those that were deployed to already.
 */
export function whyStale(
  plan: Stage,
  ahead: readonly Pick<Place, 'id' | 'name' | 'lastStart' | 'revision'>[],
  known: ReadonlySet<string>,
): string | null {
  if (plan.releases.length === 0) return null;
  const planOf = new Map(plan.releases.map((release) => [release.destinationId, release]));
  const wanted = ahead.filter((place) => isWanted(plan, place));
  const planned = wanted.flatMap((place) => {
    const release = planOf.get(place.id);
    return release === undefined ? [] : [{ place, release }];
  });
  const deployed = planned.filter(
    ({ place: { lastStart }, release: { startedMoment } }) =>
      startedMoment !== null && lastStart !== null && lastStart > startedMoment,
  );
  const changed = planned.filter(
    ({ place: { revision }, release: { destinationRevision } }) =>
      destinationRevision !== null && destinationRevision !== revision,
  );
  const added = wanted.filter(({ id }) => !planOf.has(id));
  const removed = approvedAt(plan).filter((id) => !known.has(id));
  const names = (list: readonly { readonly place: Pick<Place, 'name'> }[]) =>
    list.map(({ place }) => place.name);
  const why = [
    ...(deployed.length === 0 ? [] : [`something else was deployed to ${names(deployed).join(', ')}`]),
    ...were(names(changed), 'changed'),
    ...were(
      added.map(({ name }) => name),
      'added',
    ),
    ...were(
      removed.map((id) => planOf.get(id)?.destinationName ?? 'a destination'),
      'removed',
    ),
  ];
  return why.length === 0 ? null : why.join(', ');
}

/** When a stale plan may be made again by itself; null when only a user can ask for it. */
export function automaticRunAt({ planRun, planRunAt, startedAt }: Stage): Date | null {
  if (planRun > AUTOMATIC_RUNS) return null;
  const last = planRunAt ?? startedAt;
  return planRun === 1 || last === null ? new Date(0) : new Date(last.getTime() + PAUSE_MS);
}

/**
 * The stage with its plan to be made again: its releases, and those of added destinations, are queued, and its approval is asked again.
 * @param destinations of the environment.
 */
export function planAgain(stage: Stage, destinations: readonly Destination[], now: Date): Stage {
  const wanted = destinations.filter((one) => isWanted(stage, one));
  const added = wanted.filter(({ id }) => !stage.releases.some(({ destinationId }) => destinationId === id));
  return {
    ...stage,
    status: 'ACTIVE',
    reason: null,
    errorMessage: null,
    completedAt: null,
    planApproval: null,
    planRun: stage.planRun + 1,
    planRunAt: now,
    releases: [
      ...stage.releases.map((release) =>
        wanted.some(({ id }) => id === release.destinationId) ? queuedAgain(release) : release,
      ),
      ...added.map(queued),
    ],
  };
}
