import type { PipelineStageState } from '#src/gen/forest/v1/releases_pb.ts';

/**
 * The stages so that each stands after what it depends on, otherwise in the order given. A stage whose dependencies never
 * come (unknown or in a ring, which the server does not let through) is put at the end rather than lost.
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
