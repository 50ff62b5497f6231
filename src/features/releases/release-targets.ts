import type { ReleasePipeline } from '#src/gen/forest/v1/release_pipelines_pb.ts';

/** How an artifact shall be released. */
export type Target =
  | { readonly kind: 'pipeline'; readonly pipeline: string }
  | { readonly kind: 'environment'; readonly environment: string };

/** The environments that a pipeline deploys to, each once, in the pipeline's order. */
export function deployedBy(pipeline: ReleasePipeline | undefined): string[] {
  const names = (pipeline?.stages ?? []).flatMap(({ config }) =>
    config.case === 'deploy' ? [config.value.environment] : [],
  );
  return [...new Set(names)];
}

/** Whether a pipeline plans anything, so that running its plans alone means something. */
export function plans(pipeline: ReleasePipeline | undefined): boolean {
  return pipeline?.stages.some(({ config }) => config.case === 'plan') ?? false;
}
