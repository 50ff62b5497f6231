import type { GateVerdict } from '#domain/policy/evaluate.ts';
import { formatTimestamp } from '#domain/time/timestamp.ts';
import { ancestorsOf, topologicalOrder } from './dag.ts';
import { type DeployFacts, type StalePlans, stepDeployStage, supersede } from './deploy-stage.ts';
import { type Place, runsAlready, type Subject } from './place.ts';
import { automaticRunAt, planAgain, stepPlanStage, whyStale } from './plan-stage.ts';
import type { IntentStatus, ReleaseMode, Stage, StageRelease } from './stage.ts';
import { wantedOf } from './start.ts';
import { cancelStage, end, isStageEnded } from './transition.ts';
import { stepWaitStage } from './wait-stage.ts';

export interface AdvanceFacts {
  readonly subject: Subject;
  /** Whether the release deploys again what is live already. */
  readonly force: boolean;
  /** The verdict of an environment's policies for this intent at the time of the step. If it throws, the gate is closed. */
  readonly gate: (environment: string) => GateVerdict;
  /** The same of its branch rules alone, which plans obey too. */
  readonly branchGate: (environment: string) => GateVerdict;
  /** Whether a destination makes plans, by its settings. */
  readonly canPlan: (destinationId: string) => boolean;
  /** Whether an environment has an enabled approval policy. */
  readonly hasApprovalPolicy: (environment: string) => boolean;
  readonly places: (environment: string) => readonly Place[];
}

/** A release to create as `QUEUED`. */
export interface StartedRelease {
  readonly stageId: string;
  readonly destinationId: string;
  readonly mode: ReleaseMode;
}

/** A release that exists and that the step has changed: left out, or queued for another run. */
export interface ChangedRelease {
  readonly stageId: string;
  readonly release: StageRelease;
}

export interface Advance {
  readonly status: IntentStatus;
  /** All stages in the order given. One that did not change is the same object as before. */
  readonly stages: readonly Stage[];
  /** Releases to create; never one that exists. */
  readonly started: readonly StartedRelease[];
  /** When time alone changes something next; null when it does not. */
  readonly nextCheckAt: Date | null;
}

/** The error of a stage that was cancelled because one that it depends on had failed. */
export const UPSTREAM_FAILED = 'upstream stage failed';

/** The step of one intent at one time. `stateOf` has the stages as far as they have been stepped. */
class Walk {
  readonly stateOf: Map<string, Stage>;
  readonly ordered: readonly Stage[];
  readonly ancestorsOf: ReadonlyMap<string, ReadonlySet<string>>;
  readonly stages: readonly Stage[];
  readonly facts: AdvanceFacts;
  readonly now: Date;

  constructor(stages: readonly Stage[], facts: AdvanceFacts, now: Date) {
    this.stateOf = new Map(stages.map((stage) => [stage.id, stage]));
    this.ordered = topologicalOrder(stages);
    this.ancestorsOf = ancestorsOf(this.ordered);
    this.stages = stages;
    this.facts = facts;
    this.now = now;
  }

  run(): readonly Stage[] {
    for (const { id } of this.ordered) this.set(this.step(this.get(id)));
    // A plan for nothing but cancelled deployments is not needed.
    for (const { id } of this.ordered.toReversed()) this.set(this.withoutPurpose(this.get(id)));
    return this.stages.map(({ id }) => this.get(id));
  }

  private get(id: string): Stage {
    const stage = this.stateOf.get(id);
    if (stage === undefined) throw new Error(`No stage ${id}`);
    return stage;
  }

  private set(stage: Stage): void {
    this.stateOf.set(stage.id, stage);
  }

  private step(stage: Stage): Stage {
    if (isStageEnded(stage.status)) return stage;
    const { now, facts } = this;
    const broken = this.upstreamOf(stage).find(({ status }) => status === 'FAILED' || status === 'CANCELLED');
    if (broken !== undefined) {
      const { supersededBy, errorMessage } = broken;
      const reason = supersededBy === null ? UPSTREAM_FAILED : (errorMessage ?? UPSTREAM_FAILED);
      return cancelStage(stage, reason, supersededBy, now);
    }
    // A missing dependency has not succeeded, so the stage does not start.
    const isReached = stage.dependsOn.every((id) => this.stateOf.get(id)?.status === 'SUCCEEDED');
    const { kind } = stage;
    if (kind.type === 'deploy') {
      // One that has been reached is judged also while a plan is made again.
      if (isReached || stage.releases.length > 0)
        return stepDeployStage(stage, this.deployFacts(stage, kind.environment), now);
      return this.supersededEarly(stage, kind.environment) ?? stage;
    }
    if (!isReached) return stage;
    if (kind.type === 'wait') return stepWaitStage(stage, kind.durationSeconds, now);
    const { environment, autoApprove } = kind;
    const decides = {
      environment,
      autoApprove,
      destinations: facts.places(environment),
      canPlan: facts.canPlan,
      branchGate: () => facts.branchGate(environment),
      nothingToPlan: () => this.leavesOutAll(stage, environment),
    };
    return stepPlanStage(stage, decides, now);
  }

  private deployFacts(stage: Stage, environment: string): DeployFacts {
    const { subject, force, gate, hasApprovalPolicy, places } = this.facts;
    return {
      environment,
      subject,
      force,
      hasApprovalPolicy: hasApprovalPolicy(environment),
      gate: () => gate(environment),
      places: () => places(environment),
      stalePlans: (starting) => this.makeStalePlansAgain(stage, environment, starting),
    };
  }

  /** A stage that is not reached yet ends too when newer builds have taken its places. */
  private supersededEarly(stage: Stage, environment: string): Stage | null {
    try {
      return supersede(stage, this.deployFacts(stage, environment), this.now);
    } catch {
      // When it is reached, it says why it cannot be judged.
      return null;
    }
  }

  /** Whether every deployment that depends on a plan stage would leave out all destinations, because they run the build already. */
  private leavesOutAll(plan: Stage, environment: string): boolean {
    if (this.facts.force) return false;
    const deployments = this.stages.filter(
      (one) => one.kind.type === 'deploy' && this.dependsOn(one, plan.id),
    );
    const places = wantedOf(plan, environment, this.facts.places(environment)).wanted;
    return (
      deployments.length > 0 &&
      places.length > 0 &&
      places.every((place) => runsAlready(place, this.facts.subject.build))
    );
  }

  private dependsOn(stage: Stage, id: string): boolean {
    return this.ancestorsOf.get(stage.id)?.has(id) === true;
  }

  /** The stages that a stage depends on, directly or not, as far as they exist. */
  private upstreamOf(stage: Stage): readonly Stage[] {
    return [...this.stateOf.values()].filter(({ id }) => this.dependsOn(stage, id));
  }

  /**
   * Makes the plans again that a deployment depends on and that no longer show what it would do.
   * @returns why the deployment has to wait for them, and until when at least; null when all plans are fresh.
   */
  private makeStalePlansAgain(
    stage: Stage,
    environment: string,
    starting: readonly Place[],
  ): StalePlans | null {
    const places = this.facts.places(environment);
    const known = new Set([
      ...places.map(({ id }) => id),
      ...stage.releases.map(({ destinationId }) => destinationId),
    ]);
    const waits = this.upstreamOf(stage).flatMap((plan): StalePlans[] => {
      if (plan.kind.type !== 'plan' || plan.kind.environment !== environment) return [];
      if (plan.status !== 'SUCCEEDED') return [{ reason: 'the plan is being made again', nextCheckAt: null }];
      const stale = whyStale(plan, starting, known);
      if (stale === null) return [];
      const why = `the plan is out of date: ${stale} since`;
      const at = automaticRunAt(plan);
      if (at === null) return [{ reason: `${why}; ask for it again`, nextCheckAt: null }];
      if (at > this.now)
        return [{ reason: `${why}; it is made again ${formatTimestamp(at)}`, nextCheckAt: at }];
      this.set(planAgain(plan, places, this.now));
      return [{ reason: `${why}; it is being made again`, nextCheckAt: null }];
    });
    if (waits.length === 0) return null;
    const times = waits.flatMap(({ nextCheckAt }) => (nextCheckAt ? [nextCheckAt.getTime()] : []));
    return {
      reason: waits.map(({ reason }) => reason).join('; '),
      nextCheckAt: times.length === 0 ? null : new Date(Math.min(...times)),
    };
  }

  private withoutPurpose(stage: Stage): Stage {
    if (stage.kind.type !== 'plan' || isStageEnded(stage.status)) return stage;
    const dependants = [...this.stateOf.values()].filter(({ dependsOn }) => dependsOn.includes(stage.id));
    const superseded = dependants.find(({ supersededBy }) => supersededBy !== null);
    if (superseded === undefined || !dependants.every(({ status }) => status === 'CANCELLED')) return stage;
    const { supersededBy, errorMessage } = superseded;
    return cancelStage(stage, errorMessage ?? UPSTREAM_FAILED, supersededBy, this.now);
  }
}

function intentStatus(stages: readonly Stage[]): IntentStatus {
  if (!stages.every(({ status }) => isStageEnded(status))) return 'ACTIVE';
  if (stages.some(({ status }) => status === 'FAILED')) return 'FAILED';
  return stages.some(({ status }) => status === 'CANCELLED') ? 'CANCELLED' : 'SUCCEEDED';
}

/** The releases of a stage by destination: a stage can have thousands. */
const byDestination = (stage: Stage | undefined): ReadonlyMap<string, StageRelease> =>
  new Map(stage?.releases.map((release) => [release.destinationId, release]));

/** The releases that a step added to stages. Both lists have the same stages. */
export const startedReleases = (before: readonly Stage[], after: readonly Stage[]): StartedRelease[] =>
  after.flatMap((stage, index) => {
    const mode = stage.kind.type === 'plan' ? 'plan' : 'deploy';
    const earlier = byDestination(before[index]);
    return stage.releases
      .filter(({ destinationId, status }) => status === 'QUEUED' && !earlier.has(destinationId))
      .map(({ destinationId }) => ({ stageId: stage.id, destinationId, mode }));
  });

/** The releases of stages that a step has changed: left out, or queued for another run. Both lists have the same stages. */
export const changedReleases = (before: readonly Stage[], after: readonly Stage[]): ChangedRelease[] =>
  after.flatMap((stage, index) => {
    const earlier = byDestination(before[index]);
    return stage.releases
      .filter((release) => (earlier.get(release.destinationId) ?? release) !== release)
      .map((release) => ({ stageId: stage.id, release }));
  });

/**
 * The coordinator's step, pure: walks the whole DAG in its order and does all that can be done at `now` with these facts, so
 * that a stage whose wait is over starts the stages that depend on it in the same call. Idempotent for the same facts. An
 * intent that has ended is not changed.
 */
export function advance(
  intent: { readonly status: IntentStatus; readonly stages: readonly Stage[] },
  facts: AdvanceFacts,
  now: Date,
): Advance {
  if (intent.status !== 'ACTIVE') {
    return { status: intent.status, stages: intent.stages, started: [], nextCheckAt: null };
  }
  const stages = new Walk(intent.stages, facts, now).run();
  const times = stages.flatMap(({ status, nextCheckAt }) =>
    nextCheckAt && !isStageEnded(status) ? [nextCheckAt.getTime()] : [],
  );
  return {
    status: intentStatus(stages),
    stages,
    started: startedReleases(intent.stages, stages),
    nextCheckAt: times.length === 0 ? null : new Date(Math.min(...times)),
  };
}

/**
 * The stages of an intent that is cancelled: every one that has not ended is `CANCELLED` with the reason as its error, also
 * with releases that are running. The caller cancels the releases.
 */
export function cancelIntent(stages: readonly Stage[], reason: string, now: Date): Stage[] {
  return stages.map((stage) => (isStageEnded(stage.status) ? stage : end(stage, 'CANCELLED', reason, now)));
}
