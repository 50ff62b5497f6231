import type { MessageInitShape } from '@bufbuild/protobuf';
import type { ReleasePipelineSchema } from '#server/gen/forest/v1/release_pipelines_pb.ts';
import type { Pipeline } from './service.ts';
import { stageToWire } from './stage-wire.ts';

/** A pipeline as the contract has it. */
export const pipelineToWire = (row: Pipeline): MessageInitShape<typeof ReleasePipelineSchema> => ({
  id: row.id,
  name: row.name,
  enabled: row.enabled,
  stages: row.stages.map(stageToWire),
  createdAt: row.createdAt.toISOString(),
  updatedAt: row.updatedAt.toISOString(),
});
