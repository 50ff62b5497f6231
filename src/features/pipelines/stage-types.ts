import type { StageKind } from '#domain/release/stage.ts';
import { formatDuration } from '#domain/time/duration.ts';
import type { PipelineStage } from '#src/gen/forest/v1/release_pipelines_pb.ts';
import { definitionsOf, kindOf, type PipelineProblems, type StageDraft } from './pipeline-draft.ts';
import type { GraphStage } from './pipeline-graph.tsx';

/** The stage types in the order of the editor. */
export const stageTypes: readonly {
  readonly type: StageKind['type'];
  readonly label: string;
  readonly description: string;
}[] = [
  {
    type: 'deploy',
    label: 'Deploy',
    description: 'Deploys to every destination of an environment once its policies pass.',
  },
  { type: 'wait', label: 'Wait', description: 'Waits for a set time after the stages it depends on.' },
  {
    type: 'plan',
    label: 'Plan',
    description: 'Shows what a deployment would change. A member other than the author approves it.',
  },
];

/** What a stage does, in short; `kind` is null for an unknown type. */
function stageSummary(kind: StageKind | null): string {
  switch (kind?.type) {
    case 'deploy':
      return `deploy to ${kind.environment || '…'}`;
    case 'wait':
      return `wait ${Number.isNaN(kind.durationSeconds) ? '…' : formatDuration(kind.durationSeconds)}`;
    case 'plan':
      return `plan ${kind.environment || '…'}${kind.autoApprove ? ', approved automatically' : ''}`;
    default:
      return 'unknown stage type';
  }
}

/** A saved pipeline's stages, for its graph. */
export function graphOfPipeline(stages: readonly PipelineStage[]): GraphStage[] {
  return stages.map((stage) => ({
    key: stage.id,
    id: stage.id,
    dependsOn: stage.dependsOn,
    summary: stageSummary(kindOf(stage)),
  }));
}

/** The stages in the editor, for their graph; those with problems are marked. */
export function graphOfDraft(stages: readonly StageDraft[], problems: PipelineProblems): GraphStage[] {
  const kinds = definitionsOf(stages).map(({ kind }) => kind);
  return stages.map(({ key, id, dependsOn }, index) => ({
    key,
    id,
    dependsOn,
    summary: stageSummary(kinds[index] ?? null),
    invalid: problems.ofStage[key] !== undefined,
  }));
}

/** Each stage in one line: `1 · Deploy to staging · after plan`. */
export function stageTitles(stages: readonly GraphStage[]): readonly string[] {
  const ids = new Map(stages.map(({ key, id }) => [key, id]));
  return stages.map(({ summary, dependsOn }, index) => {
    const does = summary.charAt(0).toUpperCase() + summary.slice(1);
    const after = dependsOn.map((key) => ids.get(key) || key);
    return [index + 1, does, ...(after.length > 0 ? [`after ${after.join(', ')}`] : [])].join(' · ');
  });
}
