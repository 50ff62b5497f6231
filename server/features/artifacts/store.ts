import type { ReleaseStatus } from '#domain/release/stage.ts';
import { statement } from '#server/db/database.ts';
import { currentFirst, OPENED_BY_BYPASS, type PlaceRow } from '#server/features/releases/rows.ts';

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
  /** Whether members whom the source names are authors. */
  readonly sourceNames: boolean;
  readonly createdBy: string;
  readonly createdAt: Date;
}

export interface ArtifactRow extends Omit<NewArtifact, 'projectId' | 'createdBy' | 'sourceNames'> {
  /** Members who are authors of every release of the artifact. */
  readonly authorUsernames: readonly string[];
  /** Who annotated the artifact, if the source names somebody else. */
  readonly namedBy: string | null;
  /** When its files were removed because it is old. */
  readonly filesRemovedAt: Date | null;
}

export interface DeploymentRow extends PlaceRow {
  readonly artifactId: string;
  readonly name: string;
  readonly environment: string;
  readonly typeOrganisation: string;
  readonly typeName: string;
  readonly typeVersion: number;
  readonly status: ReleaseStatus;
  /** Whose bypass opened its gate. */
  readonly bypassedBy: string | null;
}

/** Of the artifact `a`. */
const COLUMNS = `a.id, a.slug, a.title, a.description, a.web, a.pr, a.commit_sha as "commitSha", a.branch,
  a.commit_message as "commitMessage", a.version, a.repo_url as "repoUrl", a.source_user as "sourceUser",
  a.source_email as "sourceEmail", a.source_type as "sourceType", a.source_run_url as "sourceRunUrl",
  a.source_user_id as "sourceUserId", a.metadata, a.created_at as "createdAt",
  array(select m.username from artifact_source_members m where m.artifact_id = a.id order by m.username)
    as "authorUsernames",
  (select u.username from users u where u.id = a.created_by and u.id not in (select source_users(a))) as "namedBy",
  (select f.files_removed_at from artifact_uploads f where f.artifact_id = a.id) as "filesRemovedAt"`;

/** No row when the slug is in use. `artifact` is a `NewArtifact` as JSON, its fields in the order of the columns. */
export const insertArtifact = statement<[artifact: string], { id: string }>(
  'artifacts.insert',
  `insert into artifacts (id, project_id, slug, title, description, web, pr, commit_sha, branch, commit_message,
     version, repo_url, source_user, source_email, source_type, source_run_url, source_user_id, metadata, source_names,
     created_by, created_at)
   select * from jsonb_to_record($1::jsonb) as a ("id" uuid, "projectId" uuid, "slug" text, "title" text,
       "description" text, "web" text, "pr" text, "commitSha" text, "branch" text, "commitMessage" text,
       "version" text, "repoUrl" text, "sourceUser" text, "sourceEmail" text, "sourceType" text,
       "sourceRunUrl" text, "sourceUserId" uuid, "metadata" jsonb, "sourceNames" boolean, "createdBy" uuid,
       "createdAt" timestamptz)
   on conflict (slug) do nothing returning id`,
);

/** `commits` is an array of `CommitJson` as JSON. */
export const insertCommits = statement<[artifactId: string, baseSha: string | null, commits: string]>(
  'artifacts.insert_commits',
  'insert into artifact_commits (artifact_id, base_sha, commits) values ($1, $2, $3::jsonb)',
);

/** The user's committed upload, protected from deletion until the transaction ends. */
export const lockCommittedUpload = statement<
  [artifactId: string, userId: string],
  { id: string; bytes: number }
>(
  'artifacts.lock_committed_upload',
  'select artifact_id as id, bytes from artifact_uploads where artifact_id = $1 and created_by = $2 for share',
);

/** Adds files to those of an organisation. No row: it would exceed the limit. */
export const addStoredBytes = statement<
  [organisationId: string, bytes: number, limit: number],
  { bytes: number }
>(
  'artifacts.add_stored_bytes',
  `insert into stored_bytes as s (organisation_id, bytes) select $1, $2::bigint where $2 <= $3::bigint
   on conflict (organisation_id) do update set bytes = s.bytes + excluded.bytes where s.bytes + excluded.bytes <= $3
   returning bytes`,
);

export const findInProject = statement<[id: string, projectId: string], { id: string }>(
  'artifacts.find_in_project',
  'select id from artifacts where id = $1 and project_id = $2',
);

export const findMember = statement<[organisationId: string, userId: string], { username: string }>(
  'artifacts.find_member',
  `select u.username from memberships m join users u on u.id = m.user_id
    where m.organisation_id = $1 and m.user_id = $2`,
);

export const findArtifactBySlug = statement<[projectId: string, slug: string], ArtifactRow>(
  'artifacts.find_by_slug',
  `select ${COLUMNS} from artifacts a where a.project_id = $1 and a.slug = $2`,
);

export interface ArtifactFilter {
  readonly text: string | null;
  readonly branch: string | null;
  readonly author: string | null;
  /** The name of an `ArtifactStatus`: of the artifact's current release, by `currentFirst`. */
  readonly status: string | null;
}

/**
 * A page of a project's artifacts, newest first, by the index on project and time. A null filters nothing; `case` keeps the
 * planner from computing the status where it does not filter.
 */
export const listArtifacts = statement<
  [
    projectId: string,
    afterAt: Date | null,
    afterId: string | null,
    limit: number,
    text: string | null,
    branch: string | null,
    author: string | null,
    status: string | null,
  ],
  ArtifactRow
>(
  'artifacts.list',
  `select ${COLUMNS} from artifacts a
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
         order by ${currentFirst('i')} limit 1), 'NOT_RELEASED') end
    order by a.created_at desc, a.id desc limit $4`,
);

/** The latest deployment of each artifact to each destination, and its state there. */
export const listDeployments = statement<[artifactIds: readonly string[]], DeploymentRow>(
  'artifacts.list_deployments',
  `with latest as materialized (
     select distinct on (r.artifact_id, r.destination_id) r.artifact_id, r.destination_id, r.project_id, r.destination_name,
            r.environment, r.status, r.release_intent_id, r.stage_id
       from releases r
      where r.artifact_id = any($1::uuid[]) and r.mode = 'deploy'
      order by r.artifact_id, r.destination_id, r.queued_at desc, r.id desc
   ), known as materialized (
     select s.destination_id, s.project_id, s.live, s.doubt, s.failures
       from (select distinct project_id, destination_id from latest) l
       join place_states s on s.project_id = l.project_id and s.destination_id = l.destination_id
   )
   select l.artifact_id as "artifactId", l.destination_name as name, l.environment, d.type_organisation as "typeOrganisation",
          d.type_name as "typeName", d.type_version as "typeVersion", l.status, k.live, k.doubt, k.failures,
          l.artifact_id as "buildId", b.open, b.was_live as "wasLive",
          (select coalesce(r."lateStatus", r.status) from delivery_states r where r."releaseId" = b.last_release_id)
            as "lastStatus",
          (select ${OPENED_BY_BYPASS} from stages s where s.release_intent_id = l.release_intent_id and s.id = l.stage_id)
            as "bypassedBy"
     from latest l
     join destinations d on d.id = l.destination_id
     join build_attempts b on b.artifact_id = l.artifact_id and b.destination_id = l.destination_id
     left join known k on k.project_id = l.project_id and k.destination_id = l.destination_id
    order by l.destination_name`,
);
