import type { PipelineStageState } from '#src/gen/forest/v1/releases_pb.ts';

/**
 * The stages with each after those that it depends on, else in the given order. Stages whose dependencies are unknown or
 * circular, which the server refuses, come last.
 */
export function inOrder(stages: readonly PipelineStageState[]): PipelineStageState[] {
  const ordered: PipelineStageState[] = [];
  const placed = new Set<string>();
  let left = [...stages];
  while (left.length > 0) {
    const next = left.find((stage) => stage.dependsOn.every((id) => placed.has(id)));
    if (!next) return [...ordered, ...left];
    ordered.push(next);
    placed.add(next.stageId);
    left = left.filter((stage) => stage !== next);
  }
  return ordered;
}
