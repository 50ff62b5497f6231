import type { FieldProblem } from '#domain/problem.ts';
import { MAX_DURATION_SECONDS } from '#domain/time/duration.ts';
import type { StageDefinition } from './stage.ts';

/** The most stages of one pipeline. */
export const MAX_STAGES = 100;
const MAX_STAGE_ID_LENGTH = 100;

type Node = Pick<StageDefinition, 'id' | 'dependsOn'>;

/**
 * The stages ordered so that each follows its dependencies, otherwise in the order given. Unknown dependencies are ignored,
 * and stages on or behind a cycle come last.
 */
export function topologicalOrder<T extends Node>(stages: readonly T[]): T[] {
  const known = new Set(stages.map(({ id }) => id));
  const placed = new Set<string>();
  const ordered: T[] = [];
  let waiting = [...stages];
  while (waiting.length > 0) {
    const ready = waiting.filter(({ dependsOn }) =>
      dependsOn.every((id) => placed.has(id) || !known.has(id)),
    );
    if (ready.length === 0) break;
    for (const stage of ready) placed.add(stage.id);
    ordered.push(...ready);
    waiting = waiting.filter((stage) => !ready.includes(stage));
  }
  return [...ordered, ...waiting];
}

/** The ids of the stages that each stage depends on, directly or not. @param ordered by `topologicalOrder`. */
export function ancestorsOf(ordered: readonly Node[]): ReadonlyMap<string, ReadonlySet<string>> {
  const ancestors = new Map<string, ReadonlySet<string>>();
  for (const { id, dependsOn } of ordered)
    ancestors.set(id, new Set(dependsOn.flatMap((one) => [one, ...(ancestors.get(one) ?? [])])));
  return ancestors;
}

/** The ids of a cycle, with the first repeated at the end; null without a cycle. */
function findCycle(stages: readonly Node[]): string[] | null {
  const dependenciesOf = new Map(stages.map(({ id, dependsOn }) => [id, dependsOn]));
  const cleared = new Set<string>();
  const walk = (id: string, path: readonly string[]): string[] | null => {
    if (path.includes(id)) return [...path.slice(path.indexOf(id)), id];
    if (cleared.has(id)) return null;
    for (const next of dependenciesOf.get(id) ?? []) {
      const cycle = walk(next, [...path, id]);
      if (cycle) return cycle;
    }
    cleared.add(id);
    return null;
  };
  for (const { id } of stages) {
    const cycle = walk(id, []);
    if (cycle) return cycle;
  }
  return null;
}

function kindProblem({ kind }: StageDefinition, environments: readonly string[]): FieldProblem | null {
  if (kind.type === 'wait') {
    const field = 'wait.duration_seconds';
    const { durationSeconds: seconds } = kind;
    if (!Number.isInteger(seconds)) return { field, message: 'The wait must be a whole number of seconds' };
    if (seconds <= 0) return { field, message: 'The wait must be more than 0' };
    return seconds > MAX_DURATION_SECONDS ? { field, message: 'The wait must be at most 365 days' } : null;
  }
  const field = `${kind.type}.environment`;
  if (kind.environment === '') return { field, message: 'Choose the environment of the stage' };
  if (environments.includes(kind.environment)) return null;
  return { field, message: `This organisation has no environment "${kind.environment}"` };
}

function* stageProblems(
  stage: StageDefinition,
  ids: readonly string[],
  environments: readonly string[],
): Generator<FieldProblem> {
  const { id, dependsOn } = stage;
  if (id.trim() === '') yield { field: 'id', message: 'Enter an ID' };
  else if ([...id].length > MAX_STAGE_ID_LENGTH) {
    yield { field: 'id', message: `The id must be at most ${MAX_STAGE_ID_LENGTH} characters` };
  } else if (ids.filter((other) => other === id).length > 1) {
    yield { field: 'id', message: `The id "${id}" is used by more than one stage` };
  }
  for (const dependency of new Set(dependsOn)) {
    if (dependency === id) yield { field: 'depends_on', message: `Stage "${id}" cannot depend on itself` };
    else if (!ids.includes(dependency)) {
      yield {
        field: 'depends_on',
        message: `Stage "${id}" depends on "${dependency}", which is not a stage`,
      };
    }
  }
  const problem = kindProblem(stage, environments);
  if (problem) yield problem;
}

/**
 * All problems of a pipeline's stages, by field (`stages[1].depends_on`); empty when they can be saved. A cycle is reported
 * once, for `stages`, when the dependencies have no other problem.
 */
export function validateDag(
  stages: readonly StageDefinition[],
  environments: readonly string[],
): FieldProblem[] {
  if (stages.length === 0) return [{ field: 'stages', message: 'A pipeline must have at least one stage' }];
  if (stages.length > MAX_STAGES) {
    return [{ field: 'stages', message: `A pipeline can have at most ${MAX_STAGES} stages` }];
  }
  const ids = stages.map(({ id }) => id);
  const problems = stages.flatMap((stage, index) =>
    [...stageProblems(stage, ids, environments)].map(({ field, message }) => ({
      field: `stages[${index}].${field}`,
      message,
    })),
  );
  const cycle = problems.some(({ field }) => /\.(id|depends_on)$/.test(field)) ? null : findCycle(stages);
  if (cycle)
    problems.push({ field: 'stages', message: `These stages depend on each other: ${cycle.join(' → ')}` });
  return problems;
}

/**
 * The plan stages alone, for a release that only prepares. Their order is kept: each depends on the nearest plan stages
 * before it.
 */
export function planStagesOnly(stages: readonly StageDefinition[]): StageDefinition[] {
  const stageOf = new Map(stages.map((stage) => [stage.id, stage]));
  const nearestPlans = (stage: StageDefinition): string[] => {
    const plans = new Set<string>();
    const visited = new Set<string>();
    const pending = [...stage.dependsOn];
    for (let id = pending.shift(); id !== undefined; id = pending.shift()) {
      const before = stageOf.get(id);
      if (!before || visited.has(id)) continue;
      visited.add(id);
      if (before.kind.type === 'plan') plans.add(id);
      else pending.push(...before.dependsOn);
    }
    return [...plans];
  };
  return stages
    .filter(({ kind }) => kind.type === 'plan')
    .map((stage) => ({ ...stage, dependsOn: nearestPlans(stage) }));
}
