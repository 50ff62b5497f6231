import type { GateVerdict } from '#domain/policy/evaluate.ts';
import { topologicalOrder } from './dag.ts';
import { stepDeployStage } from './deploy-stage.ts';
import { stepPlanStage } from './plan-stage.ts';
import type { IntentStatus, ReleaseMode, Stage } from './stage.ts';
import type { Destination } from './start.ts';
import { end, isStageEnded } from './transition.ts';
import { stepWaitStage } from './wait-stage.ts';

export interface AdvanceFacts {
  /** The verdict of an environment's policies for this intent at the moment of the step. If it throws, it is closed. */
  readonly gate: (environment: string) => GateVerdict;
  readonly destinations: (environment: string) => readonly Destination[];
}

/** A release to create as `QUEUED`. */
export interface StartedRelease {
  readonly stageId: string;
  readonly destinationId: string;
  readonly mode: ReleaseMode;
}

export interface Advance {
  readonly status: IntentStatus;
  /** All stages in the order given. One that did not change is the same object as before. */
  readonly stages: readonly Stage[];
  /** Releases to create; never one that exists. */
  readonly started: readonly StartedRelease[];
  /** The first moment at which time alone can change something; null when there is none. */
  readonly nextCheckAt: Date | null;
}

function step(stage: Stage, stateOf: ReadonlyMap<string, Stage>, facts: AdvanceFacts, now: Date): Stage {
  if (isStageEnded(stage.status)) return stage;
  const upstream = stage.dependsOn.map((id) => stateOf.get(id)?.status);
  if (upstream.some((status) => status === 'FAILED' || status === 'CANCELLED')) {
    return end(stage, 'CANCELLED', 'upstream stage failed', now);
  }
  // A dependency that is not there has not succeeded: the stage stays closed.
  if (!upstream.every((status) => status === 'SUCCEEDED')) return stage;

  const { kind } = stage;
  switch (kind.type) {
    case 'wait':
      return stepWaitStage(stage, kind.durationSeconds, now);
    case 'deploy': {
      const { environment } = kind;
      const gate = () => facts.gate(environment);
      return stepDeployStage(stage, gate, () => facts.destinations(environment), environment, now);
    }
    case 'plan': {
      const { environment, autoApprove } = kind;
      return stepPlanStage(stage, autoApprove, () => facts.destinations(environment), environment, now);
    }
  }
}

function intentStatus(stages: readonly Stage[]): IntentStatus {
  if (!stages.every(({ status }) => isStageEnded(status))) return 'ACTIVE';
  if (stages.some(({ status }) => status === 'FAILED')) return 'FAILED';
  return stages.some(({ status }) => status === 'CANCELLED') ? 'CANCELLED' : 'SUCCEEDED';
}

/** Releases that a stage has gained by its step; only a stage without any gains some. */
function startedBy(before: Stage, after: Stage): StartedRelease[] {
  if (before.releases.length > 0) return [];
  const mode = after.kind.type === 'plan' ? 'plan' : 'deploy';
  return after.releases.map(({ destinationId }) => ({ stageId: after.id, destinationId, mode }));
}

/**
 * The coordinator's step, pure: walks the whole DAG in its order and does all that can be done at `now` with these facts,
 * so that a wait that is due opens what hangs on it in the same call. Doing it again with the same facts changes nothing.
 * An intent that has ended is returned as it is.
 */
export function advance(
  intent: { readonly status: IntentStatus; readonly stages: readonly Stage[] },
  facts: AdvanceFacts,
  now: Date,
): Advance {
  if (intent.status !== 'ACTIVE') {
    return { status: intent.status, stages: intent.stages, started: [], nextCheckAt: null };
  }
  const stateOf = new Map(intent.stages.map((stage) => [stage.id, stage]));
  const started: StartedRelease[] = [];
  for (const before of topologicalOrder(intent.stages)) {
    const after = step(before, stateOf, facts, now);
    stateOf.set(after.id, after);
    started.push(...startedBy(before, after));
  }
  const stages = intent.stages.map((stage) => stateOf.get(stage.id) ?? stage);
  const moments = stages.flatMap(({ status, nextCheckAt }) =>
    nextCheckAt && !isStageEnded(status) ? [nextCheckAt.getTime()] : [],
  );
  return {
    status: intentStatus(stages),
    stages,
    started,
    nextCheckAt: moments.length === 0 ? null : new Date(Math.min(...moments)),
  };
}

/**
 * The stages of an intent that somebody cancels: every one that has not ended is `CANCELLED` with the reason as its error,
 * also where releases are under way. What becomes of the releases themselves is the caller's.
 */
export function cancelIntent(stages: readonly Stage[], reason: string, now: Date): Stage[] {
  return stages.map((stage) => (isStageEnded(stage.status) ? stage : end(stage, 'CANCELLED', reason, now)));
}
