import type { ServiceImpl } from '@connectrpc/connect';
import type { AppContext } from '#server/context.ts';
import type { ArtifactService, UploadArtifactRequest } from '#server/gen/forest/v1/artifacts_pb.ts';
import { callerOf, projectOf } from '#server/rpc/access.ts';
import * as service from './upload-service.ts';

async function* files(stream: AsyncIterable<UploadArtifactRequest>) {
  for await (const { uploadId, env, destination, fileName, fileContent, category } of stream) {
    yield { uploadId, env, destination, fileName, category, content: fileContent };
  }
}

/** ArtifactService: uploads belong to the user who began them; files of an annotated artifact to its project. */
export function uploadHandlers(app: AppContext): ServiceImpl<typeof ArtifactService> {
  return {
    async beginUploadArtifact(_request, context) {
      return { uploadId: await service.beginUpload(app, callerOf(context)) };
    },
    async uploadArtifact(requests, context) {
      await service.uploadFiles(app, callerOf(context), files(requests));
      return {};
    },
    async commitArtifact({ uploadId }, context) {
      return { artifactId: await service.commitUpload(app, callerOf(context), uploadId) };
    },
    async getArtifactFiles({ artifactId, category }, context) {
      const found = await service.getFiles(app, projectOf(context), artifactId, category ?? null);
      return { files: found };
    },
  };
}
