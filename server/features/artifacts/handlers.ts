import type { ServiceImpl } from '@connectrpc/connect';
import type { AppContext } from '#server/context.ts';
import type { ArtifactService, UploadArtifactRequest } from '#server/gen/forest/v1/artifacts_pb.ts';
import type { ReleaseService } from '#server/gen/forest/v1/releases_pb.ts';
import { pageOf } from '#server/wire/pages.ts';
import { callerOf, projectOf } from '#server/wire/scopes.ts';
import { annotationFromWire, artifactToWire, filterFromWire } from './convert.ts';
import * as artifacts from './service.ts';
import * as uploads from './upload-service.ts';

type Methods = 'annotateRelease' | 'getArtifactBySlug' | 'getArtifactsByProject';

/** The artifacts' part of ReleaseService. */
export const artifactHandlers = (app: AppContext): Pick<ServiceImpl<typeof ReleaseService>, Methods> => ({
  // `annotation_only` has no effect: annotating never starts a release.
  async annotateRelease(request, context) {
    const scope = projectOf(context);
    const caller = callerOf(context);
    const artifact = await artifacts.annotate(app, caller, scope, annotationFromWire(request));
    return { artifact: artifactToWire(artifact, scope, caller.userId, app.clock.now()) };
  },

  async getArtifactBySlug({ slug }, context) {
    const scope = projectOf(context);
    const artifact = await artifacts.getArtifactBySlug(app, scope, slug);
    return { artifact: artifactToWire(artifact, scope, callerOf(context).userId, app.clock.now()) };
  },

  async getArtifactsByProject(request, context) {
    const scope = projectOf(context);
    const page = pageOf(request, ['time', 'uuid']);
    const now = app.clock.now();
    const { rows, nextPageToken } = await artifacts.listArtifacts(app, scope, filterFromWire(request), page);
    const { userId } = callerOf(context);
    return { artifact: rows.map((row) => artifactToWire(row, scope, userId, now)), nextPageToken };
  },
});

async function* filesFromWire(stream: AsyncIterable<UploadArtifactRequest>) {
  for await (const { uploadId, env, destination, fileName, fileContent, category } of stream) {
    yield { uploadId, env, destination, fileName, category, content: fileContent };
  }
}

export const uploadHandlers = (app: AppContext): ServiceImpl<typeof ArtifactService> => ({
  async beginUploadArtifact(_request, context) {
    return { uploadId: await uploads.beginUpload(app, callerOf(context)) };
  },

  async uploadArtifact(requests, context) {
    await uploads.uploadFiles(app, callerOf(context), filesFromWire(requests));
    return {};
  },

  async commitArtifact({ uploadId }, context) {
    return { artifactId: await uploads.commitUpload(app, callerOf(context), uploadId) };
  },

  async getArtifactFiles({ artifactId, category = null }, context) {
    return { files: await uploads.listFiles(app, projectOf(context), artifactId, category) };
  },
});
