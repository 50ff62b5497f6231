import type { ServiceImpl } from '@connectrpc/connect';
import type { AppContext } from '#server/context.ts';
import type { ReleasePipelineService } from '#server/gen/forest/v1/release_pipelines_pb.ts';
import { callerOf, projectOf } from '#server/rpc/access.ts';
import { nextPageToken, pageOf } from '#server/rpc/page.ts';
import { pipelineToWire } from './convert.ts';
import * as service from './service.ts';
import { stagesFromWire } from './stage-wire.ts';

/** ReleasePipelineService: members read, admins change (the access table decides before these run). */
export function pipelineHandlers(app: AppContext): ServiceImpl<typeof ReleasePipelineService> {
  return {
    async createReleasePipeline({ name, stages }, context) {
      const input = { name, stages: stagesFromWire(stages) };
      const row = await service.createPipeline(app, callerOf(context), projectOf(context), input);
      return { pipeline: pipelineToWire(row) };
    },
    async updateReleasePipeline({ name, enabled, stages, updateStages }, context) {
      const input = { name, enabled, stages: updateStages ? stagesFromWire(stages) : undefined };
      const row = await service.updatePipeline(app, callerOf(context), projectOf(context), input);
      return { pipeline: pipelineToWire(row) };
    },
    async deleteReleasePipeline({ name }, context) {
      await service.deletePipeline(app, callerOf(context), projectOf(context), name);
      return {};
    },
    async listReleasePipelines(request, context) {
      const page = pageOf(request, ['text']);
      const found = await service.listPipelines(app, projectOf(context), page);
      const { rows, nextPageToken: token } = nextPageToken(found, page.limit, (row) => [row.name]);
      return { pipelines: rows.map(pipelineToWire), nextPageToken: token };
    },
  };
}
