import {
  type ReleaseIntentState,
  PipelineRunStageType as StageType,
} from '#src/gen/forest/v1/releases_pb.ts';

/** What tells the releases of one build apart: the pipeline, or the environments of a release without one. */
export function releaseName({ pipeline, stages }: ReleaseIntentState): string {
  const environments = stages.flatMap(({ environment, stageType }) =>
    environment && stageType !== StageType.PLAN ? [environment] : [],
  );
  return pipeline ?? `${[...new Set(environments)].join(' and ')} only`;
}
