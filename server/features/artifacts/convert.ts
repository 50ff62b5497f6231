import type { MessageInitShape } from '@bufbuild/protobuf';
import { storedAddress, withoutCredentials } from '#domain/repository/address.ts';
import { invalid } from '#server/failure.ts';
import { buildStateToWire, intentToWire } from '#server/features/releases/convert.ts';
import { outlooksOfRow } from '#server/features/releases/stage-outlook.ts';
import {
  type AnnotateReleaseRequest,
  type ArtifactSchema,
  ArtifactStatus,
  type Commit,
  type GetArtifactsByProjectRequest,
} from '#server/gen/forest/v1/releases_pb.ts';
import type { ProjectScope } from '#server/wire/scopes.ts';
import { parseTimestamp, timestamp } from '#server/wire/timestamps.ts';
import { withoutNulls } from '#server/wire/without-nulls.ts';
import type { CommitJson } from './rows.ts';
import type { Annotation, Artifact, ArtifactFilter, DeploymentRow } from './service.ts';

/** Null for an absent or empty text. */
const textFromWire = (text: string | undefined): string | null => (text ? text : null);

const linkFromWire = (url: string | undefined) => textFromWire(withoutCredentials(url ?? ''));

const commitFromWire = (commit: Commit, field: string): CommitJson => ({
  sha: commit.sha,
  title: commit.title,
  authorName: textFromWire(commit.authorName),
  authorEmail: textFromWire(commit.authorEmail),
  url: linkFromWire(commit.url),
  pullRequestUrl: linkFromWire(commit.pullRequestUrl),
  committedAt: timestamp(parseTimestamp(commit.committedAt, `${field}.committed_at`)) ?? null,
  coAuthors: commit.coAuthors,
});

/** @throws Failure invalid_argument without a context or ref, or for an impossible time of a commit. */
export function annotationFromWire(request: AnnotateReleaseRequest): Annotation {
  const { artifactId, metadata, source, context, ref, commits } = request;
  if (context === undefined) throw invalid({ field: 'context', message: 'is required' });
  if (ref === undefined) throw invalid({ field: 'ref', message: 'is required' });
  return {
    artifactId: textFromWire(artifactId),
    title: context.title,
    description: textFromWire(context.description),
    web: textFromWire(context.web),
    pr: textFromWire(context.pr),
    commitSha: ref.commitSha,
    branch: textFromWire(ref.branch),
    commitMessage: textFromWire(ref.commitMessage),
    version: textFromWire(ref.version),
    repoUrl: textFromWire(storedAddress(ref.repoUrl ?? '')),
    sourceUser: textFromWire(source?.user),
    sourceEmail: textFromWire(source?.email),
    sourceType: textFromWire(source?.sourceType),
    sourceRunUrl: textFromWire(source?.runUrl),
    sourceUserId: textFromWire(source?.userId),
    metadata,
    commits: commits.map((commit, n) => commitFromWire(commit, `commits[${n}]`)),
    baseSha: textFromWire(request.baseCommitSha),
  };
}

/** The artifact with its current release, as the caller sees it. */
export function artifactToWire(
  row: Artifact,
  scope: ProjectScope,
  userId: string,
  now: Date,
): MessageInitShape<typeof ArtifactSchema> {
  const { latestIntent } = row;
  const { id, slug, title, description, web, pr, ...artifact } = withoutNulls(row);
  const { commitSha, branch, commitMessage, version, repoUrl } = artifact;
  const { sourceUser: user, sourceEmail: email, sourceUserId, sourceType, sourceRunUrl, namedBy } = artifact;
  const authorUsernames = [...row.authorUsernames];
  return {
    id,
    artifactId: id,
    slug,
    metadata: { ...row.metadata },
    source: { user, email, sourceType, runUrl: sourceRunUrl, userId: sourceUserId, authorUsernames, namedBy },
    context: { title, description, web, pr },
    project: { organisation: scope.organisation, project: scope.project },
    destinations: row.destinations.map(deploymentToWire),
    createdAt: timestamp(row.createdAt),
    filesRemovedAt: timestamp(row.filesRemovedAt),
    ref: { commitSha, branch, commitMessage, version, repoUrl },
    latestIntent:
      latestIntent === null
        ? undefined
        : intentToWire(latestIntent, { userId, role: scope.role }, outlooksOfRow(latestIntent, now)),
  };
}

const deploymentToWire = (row: DeploymentRow) => {
  const { name, environment, typeOrganisation, typeName, typeVersion, status } = row;
  const type = { typeOrganisation, typeName, typeVersion: BigInt(typeVersion) };
  const bypassedBy = row.bypassedBy ?? undefined;
  return { name, environment, ...type, status, bypassedBy, ...buildStateToWire(row) };
};

/** An unknown status filters nothing, like none. */
export function filterFromWire(request: GetArtifactsByProjectRequest): ArtifactFilter {
  const known = Object.entries(ArtifactStatus).find(([, number]) => number === request.status);
  return {
    text: textFromWire(request.text),
    branch: textFromWire(request.branch),
    author: textFromWire(request.author),
    status: request.status === ArtifactStatus.UNSPECIFIED ? null : (known?.[0] ?? null),
  };
}
