import type { ReleaseStatus } from '#domain/release/stage.ts';
import { type Executor, statement } from '#server/db/database.ts';
import { SOURCE_MEMBERS } from '#server/features/gate/parts.ts';

export interface NewArtifact {
  readonly id: string;
  readonly projectId: string;
  readonly slug: string;
  readonly title: string;
  readonly description: string | null;
  readonly web: string | null;
  readonly pr: string | null;
  readonly commitSha: string;
  readonly branch: string | null;
  readonly commitMessage: string | null;
  readonly version: string | null;
  readonly repoUrl: string | null;
  readonly sourceUser: string | null;
  readonly sourceEmail: string | null;
  readonly sourceType: string | null;
  readonly sourceRunUrl: string | null;
  readonly sourceUserId: string | null;
  readonly metadata: Readonly<Record<string, string>>;
  readonly createdBy: string;
  readonly createdAt: Date;
}

export interface ArtifactRow extends Omit<NewArtifact, 'projectId' | 'createdBy'> {
  /** Members whom the source names now: they are authors of every release of the artifact. */
  readonly authorUsernames: readonly string[];
}

export interface DeployedRow {
  readonly artifactId: string;
  readonly name: string;
  readonly environment: string;
  readonly typeOrganisation: string;
  readonly typeName: string;
  readonly typeVersion: number;
  readonly status: ReleaseStatus;
}

/** Of the artifact `a` and its project `p`. */
const COLUMNS = `a.id, a.slug, a.title, a.description, a.web, a.pr, a.commit_sha as "commitSha", a.branch,
  a.commit_message as "commitMessage", a.version, a.repo_url as "repoUrl", a.source_user as "sourceUser",
  a.source_email as "sourceEmail", a.source_type as "sourceType", a.source_run_url as "sourceRunUrl",
  a.source_user_id as "sourceUserId", a.metadata, a.created_at as "createdAt",
  ${SOURCE_MEMBERS} as "authorUsernames"`;
const FROM = 'artifacts a join projects p on p.id = a.project_id';

const INSERT = statement<[artifact: string], { id: string }>(
  'artifacts.insert',
  `insert into artifacts (id, project_id, slug, title, description, web, pr, commit_sha, branch, commit_message,
     version, repo_url, source_user, source_email, source_type, source_run_url, source_user_id, metadata, created_by,
     created_at)
   select "id", "projectId", "slug", "title", "description", "web", "pr", "commitSha", "branch", "commitMessage",
     "version", "repoUrl", "sourceUser", "sourceEmail", "sourceType", "sourceRunUrl", "sourceUserId", "metadata",
     "createdBy", "createdAt"
     from jsonb_to_record($1::jsonb) as a ("id" uuid, "projectId" uuid, "slug" text, "title" text,
       "description" text, "web" text, "pr" text, "commitSha" text, "branch" text, "commitMessage" text,
       "version" text, "repoUrl" text, "sourceUser" text, "sourceEmail" text, "sourceType" text,
       "sourceRunUrl" text, "sourceUserId" uuid, "metadata" jsonb, "createdBy" uuid, "createdAt" timestamptz)
   on conflict (slug) do nothing returning id`,
);

const UPLOADED = statement<[artifactId: string, userId: string], { id: string }>(
  'artifacts.uploaded',
  // Held against being removed as abandoned until the artifact is there.
  'select artifact_id as id from artifact_uploads where artifact_id = $1 and created_by = $2 for share',
);

const IN_PROJECT = statement<[id: string, projectId: string], { id: string }>(
  'artifacts.in_project',
  'select id from artifacts where id = $1 and project_id = $2',
);

const IS_MEMBER = statement<[organisationId: string, userId: string], { username: string }>(
  'artifacts.source_member',
  `select u.username from memberships m join users u on u.id = m.user_id
    where m.organisation_id = $1 and m.user_id = $2`,
);

const BY_SLUG = statement<[projectId: string, slug: string], ArtifactRow>(
  'artifacts.by_slug',
  `select ${COLUMNS} from ${FROM} where a.project_id = $1 and a.slug = $2`,
);

const BY_ID = statement<[projectId: string, id: string], ArtifactRow>(
  'artifacts.by_id',
  `select ${COLUMNS} from ${FROM} where a.project_id = $1 and a.id = $2`,
);

/** How far an artifact is, by the release that speaks for it. */
export type ArtifactStatus =
  | 'NOT_RELEASED'
  | 'ACTIVE'
  | 'AWAITING_APPROVAL'
  | 'SUCCEEDED'
  | 'FAILED'
  | 'CANCELLED';

/** Each narrows; null filters nothing. */
export interface ArtifactFilter {
  readonly text: string | null;
  readonly branch: string | null;
  readonly author: string | null;
  readonly status: ArtifactStatus | null;
}

/*
 * A project's artifacts are reached, in their order, by the index on project and time. The status of the release that
 * speaks for one is looked up only where it is asked for: `case` keeps the planner from computing it otherwise.
 */
const PAGE = statement<
  [
    projectId: string,
    afterAt: Date | null,
    afterId: string | null,
    limit: number,
    text: string | null,
    branch: string | null,
    author: string | null,
    status: ArtifactStatus | null,
  ],
  ArtifactRow
>(
  'artifacts.page',
  `select ${COLUMNS} from ${FROM}
    where a.project_id = $1 and ($2::timestamptz is null or (a.created_at, a.id) < ($2::timestamptz, $3::uuid))
      and ($5::text is null or strpos(lower(a.title), lower($5)) > 0 or strpos(a.slug, lower($5)) > 0
        or strpos(lower(a.commit_sha), lower($5)) > 0 or strpos(lower(coalesce(a.version, '')), lower($5)) > 0)
      and ($6::text is null or a.branch = $6)
      and ($7::text is null or lower(a.source_user) = lower($7)
        or exists (select 1 from users u
                    where u.id in (a.created_by, a.source_user_id) and lower(u.username) = lower($7)))
      and case when $8::text is null then true else $8 = coalesce((
        select case when i.status = 'ACTIVE' and exists (
                      select 1 from stages s where s.release_intent_id = i.id and s.status = 'AWAITING_APPROVAL')
                    then 'AWAITING_APPROVAL' else i.status end
          from release_intents i where i.artifact_id = a.id
         order by i.status = 'ACTIVE' desc, i.created_at desc, i.id desc limit 1), 'NOT_RELEASED') end
    order by a.created_at desc, a.id desc limit $4`,
);

const DEPLOYED = statement<[artifactIds: readonly string[]], DeployedRow>(
  'artifacts.deployed',
  `select * from (
     select distinct on (r.artifact_id, r.destination_id) r.artifact_id as "artifactId", r.destination_name as name,
            r.environment, d.type_organisation as "typeOrganisation", d.type_name as "typeName",
            d.type_version as "typeVersion", r.status
       from releases r join destinations d on d.id = r.destination_id
      where r.artifact_id = any($1::uuid[]) and r.mode = 'deploy'
      order by r.artifact_id, r.destination_id, r.queued_at desc, r.id desc
   ) latest order by name`,
);

/** False when the slug is taken. */
export async function insertArtifact(executor: Executor, artifact: NewArtifact): Promise<boolean> {
  return (await executor.run(INSERT, [JSON.stringify(artifact)])).length > 0;
}

/** Whether the user committed an upload under that id. */
export async function isUploaded(executor: Executor, artifactId: string, userId: string): Promise<boolean> {
  return (await executor.run(UPLOADED, [artifactId, userId])).length > 0;
}

export async function isInProject(executor: Executor, id: string, projectId: string): Promise<boolean> {
  return (await executor.run(IN_PROJECT, [id, projectId])).length > 0;
}

/** The name of a member of the organisation; undefined for everybody else. */
export async function memberName(executor: Executor, organisationId: string, userId: string) {
  return (await executor.run(IS_MEMBER, [organisationId, userId]))[0]?.username;
}

export async function findBySlug(executor: Executor, projectId: string, slug: string) {
  return (await executor.run(BY_SLUG, [projectId, slug]))[0];
}

export async function findById(executor: Executor, projectId: string, id: string) {
  return (await executor.run(BY_ID, [projectId, id]))[0];
}

export function listPage(
  executor: Executor,
  projectId: string,
  filter: ArtifactFilter,
  after: { at: Date; id: string } | null,
  limit: number,
): Promise<ArtifactRow[]> {
  const { text, branch, author, status } = filter;
  return executor.run(PAGE, [
    projectId,
    after?.at ?? null,
    after?.id ?? null,
    limit,
    text,
    branch,
    author,
    status,
  ]);
}

/** The latest deployment of each artifact to each destination that it was ever sent to. */
export function deployedTo(executor: Executor, artifactIds: readonly string[]): Promise<DeployedRow[]> {
  return executor.run(DEPLOYED, [artifactIds]);
}
