import type { MessageInitShape } from '@bufbuild/protobuf';
import type { StageDefinition, StageKind } from '#domain/release/stage.ts';
import { invalid } from '#server/failure.ts';
import type { PipelineStage, PipelineStageSchema } from '#server/gen/forest/v1/release_pipelines_pb.ts';

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

/** Stages of a request in the domain's terms. @throws invalid_argument for each stage that says not what it does. */
export function stagesFromWire(stages: readonly PipelineStage[]): StageDefinition[] {
  const read = stages.map((stage) => ({ ...stage, kind: kindFromWire(stage.config) }));
  const problems = read.flatMap(({ kind }, index) =>
    kind === null
      ? [{ field: `stages[${index}].config`, message: 'is required: one of deploy, wait or plan' }]
      : [],
  );
  if (problems.length > 0) throw invalid(...problems);
  return read.flatMap(({ id, dependsOn, kind }) =>
    kind === null ? [] : [{ id, dependsOn: [...new Set(dependsOn)], kind }],
  );
}

function configToWire(kind: StageKind): MessageInitShape<typeof PipelineStageSchema>['config'] {
  switch (kind.type) {
    case 'deploy':
      return { case: 'deploy', value: { environment: kind.environment } };
    case 'wait':
      return { case: 'wait', value: { durationSeconds: BigInt(kind.durationSeconds) } };
    case 'plan':
      return { case: 'plan', value: { environment: kind.environment, autoApprove: kind.autoApprove } };
  }
}

/** A stage as the contract has it. */
export function stageToWire(stage: StageDefinition): MessageInitShape<typeof PipelineStageSchema> {
  return { id: stage.id, dependsOn: [...stage.dependsOn], config: configToWire(stage.kind) };
}
