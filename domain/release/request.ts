import type { FieldProblem } from '#domain/problem.ts';
import { planStagesOnly } from './dag.ts';
import type { StageDefinition } from './stage.ts';

/** A destination that a release can go to; an environment without destinations is one target without a name. */
export interface Target {
  readonly environment: string;
  readonly destination: string | null;
  /** Whether this very artifact is live there with certainty. */
  readonly current: boolean;
  /** The slug of the build that is live there, if it is newer than this artifact. */
  readonly newer: string | null;
}

/** A stage of a release that is being requested. */
export interface RequestedStage extends StageDefinition {
  /** The destinations that the request names; null: all destinations of the environment. */
  readonly onlyDestinations: readonly string[] | null;
}

export interface DirectRequest {
  readonly environments: readonly string[];
  readonly destinations: readonly string[];
  readonly prepareOnly: boolean;
}

/** A pipeline's stages, or only its plan stages. */
export const pipelineStages = (
  stages: readonly StageDefinition[],
  prepareOnly: boolean,
): readonly RequestedStage[] =>
  (prepareOnly ? planStagesOnly(stages) : stages).map((stage) => ({ ...stage, onlyDestinations: null }));

/** The names in a direct request that are unknown, by field (`environments[0]`). */
export const unknownTargets = (
  { environments, destinations }: DirectRequest,
  targets: readonly Target[],
): FieldProblem[] => [
  ...environments.flatMap((name, index) =>
    targets.some(({ environment }) => environment === name)
      ? []
      : [{ field: `environments[${index}]`, message: `environment "${name}" not found` }],
  ),
  ...destinations.flatMap((name, index) =>
    targets.some(({ destination }) => destination === name)
      ? []
      : [{ field: `destinations[${index}]`, message: `destination "${name}" not found` }],
  ),
];

/**
 * One stage without dependencies for each environment of a direct request. A destination narrows its environment's stage
 * to the named destinations, unless the request names the environment too. Unknown names are ignored.
 */
export function directStages(
  { environments, destinations, prepareOnly }: DirectRequest,
  targets: readonly Target[],
): readonly RequestedStage[] {
  const narrowed = new Map<string, readonly string[] | null>(environments.map((name) => [name, null]));
  for (const name of new Set(destinations)) {
    const environment = targets.find(({ destination }) => destination === name)?.environment;
    if (environment === undefined) continue;
    const named = narrowed.get(environment);
    if (named !== null) narrowed.set(environment, [...(named ?? []), name]);
  }
  return [...narrowed].map(([environment, onlyDestinations]) => ({
    id: environment,
    dependsOn: [],
    kind: prepareOnly ? { type: 'plan', environment, autoApprove: true } : { type: 'deploy', environment },
    onlyDestinations,
  }));
}

/** The environments of deploy and plan stages, each once, in the order of the stages. */
export const environmentsOf = (stages: readonly StageDefinition[]): string[] => [
  ...new Set(stages.flatMap(({ kind }) => (kind.type === 'wait' ? [] : [kind.environment]))),
];

/** The targets that the stages reach. */
export const reachedTargets = (stages: readonly RequestedStage[], targets: readonly Target[]): Target[] =>
  targets.filter(({ environment, destination }) =>
    stages.some(
      ({ kind, onlyDestinations }) =>
        kind.type !== 'wait' &&
        kind.environment === environment &&
        (onlyDestinations === null || (destination !== null && onlyDestinations.includes(destination))),
    ),
  );

/** The targets that the stages deploy to; those of plans are left out. */
export const deployedTargets = (stages: readonly RequestedStage[], targets: readonly Target[]): Target[] =>
  reachedTargets(
    stages.filter(({ kind }) => kind.type === 'deploy'),
    targets,
  );

/** Whether the artifact is already deployed to every target; false without targets. */
export const isAlreadyDeployed = (reached: readonly Target[]): boolean =>
  reached.length > 0 && reached.every(({ current }) => current);
