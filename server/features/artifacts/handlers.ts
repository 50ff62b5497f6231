import type { MessageInitShape } from '@bufbuild/protobuf';
import type { ServiceImpl } from '@connectrpc/connect';
import type { AppContext } from '#server/context.ts';
import { invalid } from '#server/failure.ts';
import { intentToWire } from '#server/features/releases/convert.ts';
import {
  type ArtifactSchema,
  ArtifactStatus,
  type ReleaseService,
} from '#server/gen/forest/v1/releases_pb.ts';
import { callerOf, type ProjectScope, projectOf } from '#server/rpc/access.ts';
import { nextPageToken, pageOf } from '#server/rpc/page.ts';
import * as service from './service.ts';

const given = (text: string | undefined): string | null => (text === undefined || text === '' ? null : text);

function toWire(row: service.Artifact, scope: ProjectScope): MessageInitShape<typeof ArtifactSchema> {
  return {
    id: row.id,
    artifactId: row.id,
    slug: row.slug,
    metadata: { ...row.metadata },
    source: {
      user: row.sourceUser ?? undefined,
      email: row.sourceEmail ?? undefined,
      sourceType: row.sourceType ?? undefined,
      runUrl: row.sourceRunUrl ?? undefined,
      userId: row.sourceUserId ?? undefined,
      authorUsernames: [...row.authorUsernames],
    },
    context: {
      title: row.title,
      description: row.description ?? undefined,
      web: row.web ?? undefined,
      pr: row.pr ?? undefined,
    },
    project: { organisation: scope.organisation, project: scope.project },
    destinations: row.destinations.map((destination) => ({
      name: destination.name,
      environment: destination.environment,
      typeOrganisation: destination.typeOrganisation,
      typeName: destination.typeName,
      typeVersion: BigInt(destination.typeVersion),
      status: destination.status,
    })),
    createdAt: row.createdAt.toISOString(),
    ref: {
      commitSha: row.commitSha,
      branch: row.branch ?? undefined,
      commitMessage: row.commitMessage ?? undefined,
      version: row.version ?? undefined,
      repoUrl: row.repoUrl ?? undefined,
    },
  };
}

/** With the release that speaks for the artifact, as the caller sees it. */
function listedToWire(
  { latestIntent, ...row }: service.ListedArtifact,
  scope: ProjectScope,
  userId: string,
): MessageInitShape<typeof ArtifactSchema> {
  const viewer = { userId, role: scope.role };
  return {
    ...toWire(row, scope),
    latestIntent: latestIntent === null ? undefined : intentToWire(latestIntent, viewer),
  };
}

const STATUSES: Readonly<Record<ArtifactStatus, service.ArtifactStatus | null>> = {
  [ArtifactStatus.UNSPECIFIED]: null,
  [ArtifactStatus.NOT_RELEASED]: 'NOT_RELEASED',
  [ArtifactStatus.ACTIVE]: 'ACTIVE',
  [ArtifactStatus.AWAITING_APPROVAL]: 'AWAITING_APPROVAL',
  [ArtifactStatus.SUCCEEDED]: 'SUCCEEDED',
  [ArtifactStatus.FAILED]: 'FAILED',
  [ArtifactStatus.CANCELLED]: 'CANCELLED',
};

type Methods = 'annotateRelease' | 'getArtifactBySlug' | 'getArtifactsByProject';

/** The part of ReleaseService that is about artifacts. */
export function artifactHandlers(app: AppContext): Pick<ServiceImpl<typeof ReleaseService>, Methods> {
  return {
    // `annotation_only` changes nothing: annotating never releases by itself.
    async annotateRelease({ artifactId, metadata, source, context: about, ref }, context) {
      if (about === undefined) throw invalid({ field: 'context', message: 'is required' });
      if (ref === undefined) throw invalid({ field: 'ref', message: 'is required' });
      const scope = projectOf(context);
      const artifact = await service.annotate(app, callerOf(context), scope, {
        artifactId: given(artifactId),
        title: about.title,
        description: given(about.description),
        web: given(about.web),
        pr: given(about.pr),
        commitSha: ref.commitSha,
        branch: given(ref.branch),
        commitMessage: given(ref.commitMessage),
        version: given(ref.version),
        repoUrl: given(ref.repoUrl),
        sourceUser: given(source?.user),
        sourceEmail: given(source?.email),
        sourceType: given(source?.sourceType),
        sourceRunUrl: given(source?.runUrl),
        sourceUserId: given(source?.userId),
        metadata,
      });
      return { artifact: toWire(artifact, scope) };
    },
    async getArtifactBySlug({ slug }, context) {
      const scope = projectOf(context);
      const artifact = await service.getArtifactBySlug(app, scope, slug);
      return { artifact: listedToWire(artifact, scope, callerOf(context).userId) };
    },
    async getArtifactsByProject(request, context) {
      const scope = projectOf(context);
      const page = pageOf(request, ['time', 'uuid']);
      const filter = {
        text: given(request.text),
        branch: given(request.branch),
        author: given(request.author),
        status: STATUSES[request.status] ?? null,
      };
      const found = await service.listArtifacts(app, scope, filter, page);
      const { rows, nextPageToken: token } = nextPageToken(found, page.limit, service.sortKey);
      const { userId } = callerOf(context);
      return { artifact: rows.map((row) => listedToWire(row, scope, userId)), nextPageToken: token };
    },
  };
}
