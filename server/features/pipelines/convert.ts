import type { MessageInitShape } from '@bufbuild/protobuf';
import type { StageDefinition, StageKind } from '#domain/release/stage.ts';
import { invalid } from '#server/failure.ts';
import type {
  PipelineStage,
  PipelineStageSchema,
  ReleasePipelineSchema,
} from '#server/gen/forest/v1/release_pipelines_pb.ts';
import { timestamp } from '#server/wire/timestamps.ts';
import type { Pipeline } from './service.ts';

export const pipelineToWire = (row: Pipeline): MessageInitShape<typeof ReleasePipelineSchema> => ({
  id: row.id,
  name: row.name,
  enabled: row.enabled,
  stages: row.stages.map(stageToWire),
  createdAt: timestamp(row.createdAt),
  updatedAt: timestamp(row.updatedAt),
  version: BigInt(row.version),
});

const stageToWire = (stage: StageDefinition): MessageInitShape<typeof PipelineStageSchema> => ({
  id: stage.id,
  dependsOn: [...stage.dependsOn],
  config: kindToWire(stage.kind),
});

function kindToWire(kind: StageKind): MessageInitShape<typeof PipelineStageSchema>['config'] {
  switch (kind.type) {
    case 'deploy':
      return { case: 'deploy', value: { environment: kind.environment } };
    case 'wait':
      return { case: 'wait', value: { durationSeconds: BigInt(kind.durationSeconds) } };
    case 'plan':
      return { case: 'plan', value: { environment: kind.environment, autoApprove: kind.autoApprove } };
  }
}

/** @throws Failure invalid_argument for each stage that does not specify its kind. */
export function stagesFromWire(stages: readonly PipelineStage[]): StageDefinition[] {
  const problems = stages.flatMap(({ config }, index) =>
    config.case === undefined
      ? [{ field: `stages[${index}].config`, message: 'requires one of deploy, wait or plan' }]
      : [],
  );
  if (problems.length > 0) throw invalid(...problems);
  return stages.flatMap(({ id, dependsOn, config }) => {
    const kind = kindFromWire(config);
    return kind === null ? [] : [{ id, dependsOn: [...new Set(dependsOn)], kind }];
  });
}

function kindFromWire(config: PipelineStage['config']): StageKind | null {
  switch (config.case) {
    case 'deploy':
      return { type: 'deploy', environment: config.value.environment };
    case 'wait':
      return { type: 'wait', durationSeconds: Number(config.value.durationSeconds) };
    case 'plan':
      return { type: 'plan', environment: config.value.environment, autoApprove: config.value.autoApprove };
    case undefined:
      return null;
  }
}
