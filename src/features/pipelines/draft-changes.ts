import { MAX_STAGES } from '#domain/release/dag.ts';
import type { PipelineDraft, StageDraft } from './pipeline-draft.ts';

/** A new stage at the end. It depends on the one before it, because most pipelines are a line. */
export function withStage(draft: PipelineDraft, type: StageDraft['type']): PipelineDraft {
  if (draft.stages.length >= MAX_STAGES) return draft;
  const last = draft.stages.at(-1);
  const stage: StageDraft = {
    key: `#${draft.made}`,
    id: type === 'wait' ? freeId(draft.stages, 'wait') : '',
    type,
    environment: '',
    duration: '',
    autoApprove: false,
    dependsOn: last ? [last.key] : [],
  };
  return { ...draft, stages: [...draft.stages, stage], made: draft.made + 1 };
}

/** Without that stage. What depended on it depends on what it depended on, so that the order of the rest stays. */
export function withoutStage(draft: PipelineDraft, key: string): PipelineDraft {
  const gone = draft.stages.find((stage) => stage.key === key);
  if (!gone) return draft;
  const stages = draft.stages
    .filter((stage) => stage !== gone)
    .map((stage) => {
      if (!stage.dependsOn.includes(key)) return stage;
      const inherited = gone.dependsOn.filter((each) => each !== stage.key);
      const dependsOn = stage.dependsOn.flatMap((each) => (each === key ? inherited : [each]));
      return { ...stage, dependsOn: [...new Set(dependsOn)] };
    });
  return { ...draft, stages };
}

/**
 * With a change to one stage. As long as its id is the one suggested by its kind and environment, or empty, it follows
 * them; an id that somebody chose stays.
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

/** The word, or with the first number that makes it an id of its own. */
function freeId(stages: readonly StageDraft[], word: string): string {
  const taken = new Set(stages.map(({ id }) => id));
  let id = word;
  for (let number = 2; taken.has(id); number++) id = `${word}-${number}`;
  return id;
}
