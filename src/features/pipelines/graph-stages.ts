import type { PipelineStage } from '#src/gen/forest/v1/release_pipelines_pb.ts';
import { definitionsOf, kindOf, type PipelineProblems, type StageDraft } from './pipeline-draft.ts';
import type { GraphStage } from './pipeline-graph.tsx';
import { stageWords } from './stage-words.ts';

/** A saved pipeline's stages, for its drawing. */
export function graphOfPipeline(stages: readonly PipelineStage[]): GraphStage[] {
  return stages.map((stage) => ({
    key: stage.id,
    id: stage.id,
    dependsOn: stage.dependsOn,
    words: stageWords(kindOf(stage)),
  }));
}

/** The stages that are being edited, for their drawing: those with a problem marked. */
export function graphOfDraft(stages: readonly StageDraft[], problems: PipelineProblems): GraphStage[] {
  const kinds = definitionsOf(stages).map(({ kind }) => kind);
  return stages.map(({ key, id, dependsOn }, index) => ({
    key,
    id,
    dependsOn,
    words: stageWords(kinds[index] ?? null),
    faulty: problems.ofStage[key] !== undefined,
  }));
}
