import { validate as isUuid } from 'uuid';
import type { AppContext } from '#server/context.ts';
import { isUniqueViolation, type Transaction } from '#server/db/database.ts';
import { Failure, invalid, notFound } from '#server/failure.ts';
import type { Caller } from '#server/features/access/service.ts';
import { record } from '#server/features/history/service.ts';
import { type IntentState, speakingIntents } from '#server/features/releases/service.ts';
import type { ProjectScope } from '#server/rpc/access.ts';
import type { Page } from '#server/rpc/page.ts';
import { slugOf } from './slug.ts';
import * as store from './store.ts';

/** An artifact with the latest status of its deployment to each destination it was sent to. */
export interface Artifact extends store.ArtifactRow {
  readonly destinations: readonly store.DeployedRow[];
}

/** What a client tells of a build: everything but what the server gives it. */
export type Annotation = Omit<store.ArtifactRow, 'id' | 'slug' | 'createdAt' | 'authorUsernames'> & {
  /** Of a committed upload; null makes a new artifact. */
  readonly artifactId: string | null;
};

/** Thirty random bits make two collisions in a row a sign of something else. */
const SLUG_ATTEMPTS = 5;

/**
 * Makes an artifact of a build's description. A source that names nobody is the caller; members whom it names are authors of
 * every release of the artifact, and it never changes.
 * @throws invalid_argument when `source.user_id` is no member; not_found when `artifact_id` is no upload of the
 * caller's; already_exists when that upload is annotated already.
 */
export async function annotate(
  app: AppContext,
  caller: Caller,
  scope: ProjectScope,
  { artifactId, ...annotation }: Annotation,
): Promise<Artifact> {
  const taken = () => new Failure('already_exists', `artifact ${artifactId} is annotated already`);
  try {
    return await app.db.transaction(async (tx) => {
      if (artifactId !== null) {
        if (await store.isInProject(tx, artifactId, scope.projectId)) throw taken();
        if (!(await store.isUploaded(tx, artifactId, caller.userId))) {
          throw notFound(`artifact ${artifactId} among your committed uploads`);
        }
      }
      const written = await insert(tx, app, scope, {
        ...annotation,
        ...(await sourceOf(tx, caller, scope, annotation)),
        id: artifactId ?? app.newId(),
        projectId: scope.projectId,
        createdBy: caller.userId,
        createdAt: app.clock.now(),
      });
      // Read back: who it is that the source names, the database knows.
      const row = await store.findById(tx, scope.projectId, written.id);
      if (row === undefined) throw new Error(`artifact ${written.id} was not stored`);
      await record(tx, app, {
        organisationId: scope.organisationId,
        projectId: scope.projectId,
        kind: 'artifact.annotated',
        actor: caller,
        subject: row.slug,
        after: {
          title: row.title,
          commitSha: row.commitSha,
          branch: row.branch,
          version: row.version,
          source: row.sourceUser ?? row.sourceEmail,
          authors: row.authorUsernames,
        },
      });
      return { ...row, destinations: [] };
    });
  } catch (error) {
    if (isUniqueViolation(error, 'artifacts_pkey')) throw taken();
    throw error;
  }
}

async function sourceOf(
  tx: Transaction,
  caller: Caller,
  scope: ProjectScope,
  given: Omit<Annotation, 'artifactId'>,
) {
  const { sourceUser, sourceEmail, sourceUserId } = given;
  if (sourceUserId === null) {
    if (sourceUser !== null || sourceEmail !== null) return {};
    return { sourceUser: caller.username, sourceUserId: caller.userId };
  }
  // A service account is no member, and may say that it was itself.
  if (sourceUserId === caller.userId) return { sourceUser: sourceUser ?? caller.username };
  // What is no UUID is nobody's id; the database would refuse it in words that name no field.
  const username = isUuid(sourceUserId)
    ? await store.memberName(tx, scope.organisationId, sourceUserId)
    : undefined;
  if (username === undefined) {
    throw invalid({
      field: 'source.user_id',
      message: `${sourceUserId} is no member of organisation "${scope.organisation}"`,
    });
  }
  return { sourceUser: sourceUser ?? username };
}

async function insert(
  tx: Transaction,
  app: AppContext,
  scope: ProjectScope,
  artifact: Omit<store.NewArtifact, 'slug'>,
): Promise<store.NewArtifact> {
  for (let attempt = 0; attempt < SLUG_ATTEMPTS; attempt++) {
    const slug = slugOf(artifact.title, Buffer.from(app.newSecret(), 'base64url'));
    if (await store.insertArtifact(tx, { ...artifact, slug })) return { ...artifact, slug };
  }
  throw new Error(`no free slug for an artifact of ${scope.project}`);
}

async function withDestinations(app: AppContext, rows: readonly store.ArtifactRow[]): Promise<Artifact[]> {
  const deployed =
    rows.length === 0
      ? []
      : await store.deployedTo(
          app.db,
          rows.map((row) => row.id),
        );
  const byArtifact = Map.groupBy(deployed, (row) => row.artifactId);
  return rows.map((row) => ({ ...row, destinations: byArtifact.get(row.id) ?? [] }));
}

/** Rows with their destinations and the release that speaks for each, in two queries however many they are. */
async function listed(app: AppContext, rows: readonly store.ArtifactRow[]): Promise<ListedArtifact[]> {
  const [artifacts, intents] = await Promise.all([
    withDestinations(app, rows),
    speakingIntents(
      app,
      rows.map((row) => row.id),
    ),
  ]);
  return artifacts.map((artifact) => ({ ...artifact, latestIntent: intents.get(artifact.id) ?? null }));
}

/** The artifact of that slug in the project that the slug led to. @throws not_found */
export async function getArtifactBySlug(
  app: AppContext,
  scope: ProjectScope,
  slug: string,
): Promise<ListedArtifact> {
  const row = await store.findBySlug(app.db, scope.projectId, slug);
  const [artifact] = row === undefined ? [] : await listed(app, [row]);
  if (artifact === undefined) throw notFound(`artifact "${slug}"`);
  return artifact;
}

export type { ArtifactFilter, ArtifactStatus } from './store.ts';

/** An artifact as a list and its own page show it. */
export interface ListedArtifact extends Artifact {
  /** The newest active release of it, else the newest; null when none was asked for. */
  readonly latestIntent: IntentState | null;
}

/** The project's artifacts that the filter lets pass, newest first: one more than `limit` when there are more. */
export async function listArtifacts(
  app: AppContext,
  scope: ProjectScope,
  filter: store.ArtifactFilter,
  page: Page,
): Promise<ListedArtifact[]> {
  const [time, id] = page.after ?? [];
  const after = time === undefined || id === undefined ? null : { at: new Date(time), id };
  const rows = await store.listPage(app.db, scope.projectId, filter, after, page.limit + 1);
  return listed(app, rows);
}

export const sortKey = (row: Artifact): readonly string[] => [row.createdAt.toISOString(), row.id];
