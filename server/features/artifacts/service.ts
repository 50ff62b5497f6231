import { validate as isUuid } from 'uuid';
import type { AppContext } from '#server/context.ts';
import { isUniqueViolation, single, type Transaction } from '#server/db/database.ts';
import { Failure, invalid, notFound } from '#server/failure.ts';
import type { Caller } from '#server/features/access/service.ts';
import { recordChange } from '#server/features/history/service.ts';
import { currentIntents, type IntentState } from '#server/features/releases/service.ts';
import { MIB } from '#server/limits.ts';
import { nextPageToken, type Page } from '#server/wire/pages.ts';
import type { ProjectScope } from '#server/wire/scopes.ts';
import type { CommitJson } from './rows.ts';
import { slugOf } from './slug.ts';
import * as store from './store.ts';

export interface Artifact extends store.ArtifactRow {
  /** Its latest deployment to each destination. */
  readonly destinations: readonly store.DeploymentRow[];
  /** Its current release, by `currentFirst`; null when there is none. */
  readonly latestIntent: IntentState | null;
}

/** An artifact as a client describes it. */
export type Annotation = Omit<
  store.ArtifactRow,
  'id' | 'slug' | 'createdAt' | 'authorUsernames' | 'namedBy' | 'filesRemovedAt'
> & {
  /** The id of a committed upload; null for an artifact without files. */
  readonly artifactId: string | null;
  /** The commits that the build adds, newest first. */
  readonly commits: readonly CommitJson[];
  /** The commit after which they start; null when it is not known. */
  readonly baseSha: string | null;
};

/** With 30 random bits, five collisions in a row are not chance. */
const MAX_SLUG_ATTEMPTS = 5;

/**
 * Creates an artifact, which never changes. The caller is an author of all its releases. A source that names no user becomes the
 * caller; the members whom it names are authors too, if a service account or an access token annotates.
 * @throws Failure invalid_argument when `source.user_id` is not a member; not_found when `artifact_id` is not a committed
 * upload of the caller; already_exists when that upload is annotated already; resource_exhausted when the organisation has no room
 * for its files.
 */
export async function annotate(
  app: AppContext,
  caller: Caller,
  scope: ProjectScope,
  { artifactId, commits, baseSha, ...annotation }: Annotation,
): Promise<Artifact> {
  const alreadyAnnotated = () => new Failure('already_exists', `Artifact ${artifactId} is already annotated`);
  try {
    return await app.db.transaction(async (tx) => {
      if (artifactId !== null) {
        const [existing] = await tx.run(store.findInProject, [artifactId, scope.projectId]);
        if (existing !== undefined) throw alreadyAnnotated();
        const [upload] = await tx.run(store.lockCommittedUpload, [artifactId, caller.userId]);
        if (upload === undefined) throw notFound(`Committed upload ${artifactId}`);
        if (upload.bytes > 0) await requireStorage(tx, app, scope, upload.bytes);
      }
      const id = artifactId ?? app.newId();
      const slug = await insert(tx, app, {
        ...annotation,
        ...(await sourceOf(tx, caller, scope, annotation)),
        id,
        projectId: scope.projectId,
        // A person who is signed in could name a colleague to keep them from voting.
        sourceNames: caller.credentialKind === 'service' || caller.credentialKind === 'personal',
        createdBy: caller.userId,
        createdAt: app.clock.now(),
      });
      if (commits.length > 0 || baseSha !== null)
        await tx.run(store.insertCommits, [id, baseSha, JSON.stringify(commits)]);
      // Only the database can resolve the names in the source to authors.
      const row = single(await tx.run(store.findArtifactBySlug, [scope.projectId, slug]));
      const { title, commitSha, branch, version, authorUsernames: authors } = row;
      const after = { title, commitSha, branch, version, source: row.sourceUser ?? row.sourceEmail, authors };
      await recordChange(tx, app, caller, scope, 'artifact.annotated', slug, { after });
      return { ...row, destinations: [], latestIntent: null };
    });
  } catch (error) {
    if (isUniqueViolation(error, 'artifacts_pkey')) throw alreadyAnnotated();
    throw error;
  }
}

async function requireStorage(tx: Transaction, app: AppContext, scope: ProjectScope, bytes: number) {
  const limit = app.config.storagePerOrganisation;
  const [stored] = await tx.run(store.addStoredBytes, [scope.organisationId, bytes, limit]);
  if (stored !== undefined) return;
  throw new Failure(
    'resource_exhausted',
    `With these files ${scope.organisation} would store more than ${limit / MIB} MiB, the maximum. Annotate the ` +
      'build without files, or ask an admin to keep the files of old builds for a shorter time.',
  );
}

type Source = Pick<Annotation, 'sourceUser' | 'sourceEmail' | 'sourceUserId'>;

async function sourceOf(tx: Transaction, caller: Caller, scope: ProjectScope, source: Source) {
  const { sourceUser, sourceEmail, sourceUserId } = source;
  if (sourceUserId === null) {
    if (sourceUser !== null || sourceEmail !== null) return {};
    return { sourceUser: caller.username, sourceUserId: caller.userId };
  }
  // A service account is not a member, but may name itself.
  if (sourceUserId === caller.userId) return { sourceUser: sourceUser ?? caller.username };
  // PostgreSQL's error for a malformed UUID would name no field.
  const [member] = isUuid(sourceUserId)
    ? await tx.run(store.findMember, [scope.organisationId, sourceUserId])
    : [];
  if (member === undefined) {
    const message = `${sourceUserId} is not a member of organisation "${scope.organisation}"`;
    throw invalid({ field: 'source.user_id', message });
  }
  return { sourceUser: sourceUser ?? member.username };
}

async function insert(tx: Transaction, app: AppContext, artifact: Omit<store.NewArtifact, 'slug'>) {
  for (let attempt = 0; attempt < MAX_SLUG_ATTEMPTS; attempt++) {
    const slug = slugOf(artifact.title, Buffer.from(app.newSecret(), 'base64url'));
    const [inserted] = await tx.run(store.insertArtifact, [JSON.stringify({ ...artifact, slug })]);
    if (inserted !== undefined) return slug;
  }
  throw new Error(`No free slug after ${MAX_SLUG_ATTEMPTS} attempts`);
}

export type { ArtifactFilter, DeploymentRow } from './store.ts';

/** Adds deployments and current releases, in two queries for any number of artifacts. */
async function listed(app: AppContext, rows: readonly store.ArtifactRow[]): Promise<Artifact[]> {
  if (rows.length === 0) return [];
  const ids = rows.map(({ id }) => id);
  const [deployments, intents] = await Promise.all([
    app.db.run(store.listDeployments, [ids]),
    currentIntents(app, ids),
  ]);
  const deploymentsOf = Map.groupBy(deployments, ({ artifactId }) => artifactId);
  return rows.map((row) => ({
    ...row,
    destinations: deploymentsOf.get(row.id) ?? [],
    latestIntent: intents.get(row.id) ?? null,
  }));
}

/** @throws Failure not_found */
export async function getArtifactBySlug(app: AppContext, scope: ProjectScope, slug: string) {
  const [artifact] = await listed(app, await app.db.run(store.findArtifactBySlug, [scope.projectId, slug]));
  if (artifact === undefined) throw notFound(`Artifact "${slug}"`);
  return artifact;
}

/** A page of the project's artifacts that match the filter, newest first. */
export async function listArtifacts(
  app: AppContext,
  scope: ProjectScope,
  filter: store.ArtifactFilter,
  page: Page,
): Promise<{ rows: Artifact[]; nextPageToken: string }> {
  const [time, id = null] = page.after ?? [];
  const { text, branch, author, status } = filter;
  const after = [time === undefined ? null : new Date(time), id] as const;
  const params = [scope.projectId, ...after, page.limit + 1, text, branch, author, status] as const;
  const found = await app.db.run(store.listArtifacts, params);
  const { rows, ...next } = nextPageToken(found, page.limit, (row) => [row.createdAt.toISOString(), row.id]);
  return { rows: await listed(app, rows), ...next };
}
