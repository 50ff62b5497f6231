import { MAX_STAGES } from '#domain/release/dag.ts';
import type { PipelineDraft, StageDraft } from './pipeline-draft.ts';

/** Adds a stage at the end. It depends on the stage before it, as in most pipelines. */
export function withStage(draft: PipelineDraft, type: StageDraft['type']): PipelineDraft {
  if (draft.stages.length >= MAX_STAGES) return draft;
  const last = draft.stages.at(-1);
  const stage: StageDraft = {
    key: `#${draft.added}`,
    id: type === 'wait' ? freeId(draft.stages, 'wait') : '',
    type,
    environment: '',
    duration: '',
    autoApprove: false,
    dependsOn: last ? [last.key] : [],
  };
  return { ...draft, stages: [...draft.stages, stage], added: draft.added + 1 };
}

/** What a stage may depend on: every stage that does not depend on it, so that no cycle can be made. */
export function possibleDependencies(stages: readonly StageDraft[], of: StageDraft): readonly StageDraft[] {
  const later = new Set([of.key]);
  // A set is read in the order in which it grows.
  for (const key of later) {
    for (const stage of stages) if (stage.dependsOn.includes(key)) later.add(stage.key);
  }
  return stages.filter(({ key }) => !later.has(key) || (key !== of.key && of.dependsOn.includes(key)));
}

/** Removes a stage. Its dependents inherit its dependencies, so that the order of the others stays. */
export function withoutStage(draft: PipelineDraft, key: string): PipelineDraft {
  const removed = draft.stages.find((stage) => stage.key === key);
  if (!removed) return draft;
  const stages = draft.stages
    .filter((stage) => stage !== removed)
    .map((stage) => {
      if (!stage.dependsOn.includes(key)) return stage;
      const inherited = removed.dependsOn.filter((each) => each !== stage.key);
      const dependsOn = stage.dependsOn.flatMap((each) => (each === key ? inherited : [each]));
      return { ...stage, dependsOn: [...new Set(dependsOn)] };
    });
  return { ...draft, stages };
}

/**
 * Changes one stage. An empty or suggested id follows the stage's type and environment; an id that the user typed stays.
 */
export function withChange(draft: PipelineDraft, key: string, change: Partial<StageDraft>): PipelineDraft {
  const others = draft.stages.filter((stage) => stage.key !== key);
  return {
    ...draft,
    stages: draft.stages.map((stage) => {
      if (stage.key !== key) return stage;
      const next = { ...stage, ...change };
      const follows = change.id === undefined && (stage.id === '' || stage.id === suggestedId(stage, others));
      return follows ? { ...next, id: suggestedId(next, others) } : next;
    }),
  };
}

function suggestedId({ type, environment }: StageDraft, others: readonly StageDraft[]): string {
  if (type === 'wait') return freeId(others, 'wait');
  if (environment === '') return '';
  return freeId(others, type === 'plan' ? `plan-${environment}` : environment);
}

/** The base, with a number appended if it is taken. */
function freeId(stages: readonly StageDraft[], base: string): string {
  const taken = new Set(stages.map(({ id }) => id));
  let id = base;
  for (let number = 2; taken.has(id); number++) id = `${base}-${number}`;
  return id;
}
