import type { ServiceImpl } from '@connectrpc/connect';
import type { AppContext } from '#server/context.ts';
import type { ReleasePipelineService } from '#server/gen/forest/v1/release_pipelines_pb.ts';
import { pageOf } from '#server/wire/pages.ts';
import { callerOf, projectOf } from '#server/wire/scopes.ts';
import { pipelineToWire, stagesFromWire } from './convert.ts';
import * as pipelines from './service.ts';

export const pipelineHandlers = (app: AppContext): ServiceImpl<typeof ReleasePipelineService> => ({
  async createReleasePipeline({ name, stages }, context) {
    const request = { name, stages: stagesFromWire(stages) };
    const row = await pipelines.createPipeline(app, callerOf(context), projectOf(context), request);
    return { pipeline: pipelineToWire(row) };
  },

  async updateReleasePipeline({ name, enabled, stages, updateStages, expectedVersion = null }, context) {
    const request = {
      name,
      enabled,
      stages: updateStages ? stagesFromWire(stages) : undefined,
      expectedVersion,
    };
    const row = await pipelines.updatePipeline(app, callerOf(context), projectOf(context), request);
    return { pipeline: pipelineToWire(row) };
  },

  async deleteReleasePipeline({ name }, context) {
    await pipelines.deletePipeline(app, callerOf(context), projectOf(context), name);
    return {};
  },

  async listReleasePipelines(request, context) {
    const page = await pipelines.listPipelines(app, projectOf(context), pageOf(request, ['text']));
    return { pipelines: page.rows.map(pipelineToWire), nextPageToken: page.nextPageToken };
  },
});
