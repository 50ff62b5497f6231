import type { ReleasePipeline } from '#src/gen/forest/v1/release_pipelines_pb.ts';

/** The environments that a pipeline deploys to, each once, in order. */
export function targetsOf(pipeline: ReleasePipeline | undefined): string[] {
  const names = (pipeline?.stages ?? []).flatMap(({ config }) =>
    config.case === 'deploy' ? [config.value.environment] : [],
  );
  return [...new Set(names)];
}

/** Whether a pipeline has plan stages. */
export function hasPlans(pipeline: ReleasePipeline | undefined): boolean {
  return pipeline?.stages.some(({ config }) => config.case === 'plan') ?? false;
}
