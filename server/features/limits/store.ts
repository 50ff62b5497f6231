import { type Statement, statement } from '#server/db/database.ts';

/** Makes transactions that count the same thing of one owner wait for each other. */
export const lockCount = statement<[key: string]>(
  'limits.lock_count',
  'select pg_advisory_xact_lock(hashtextextended($1, 0))',
);

/** Counts what an owner has, up to a limit. */
export type Count = Statement<[ownerId: string, limit: number], { count: number }>;

const counted = (name: string, rows: string): Count =>
  statement(`limits.${name}`, `select count(*) from (select ${rows} limit $2) counted`);

export const countOrganisations = counted(
  'count_organisations',
  `from memberships where user_id = $1 and role = 'admin'`,
);
export const countProjects = counted('count_projects', 'from projects where organisation_id = $1');
export const countEnvironments = counted(
  'count_environments',
  'from environments where organisation_id = $1',
);
export const countDestinations = counted(
  'count_destinations',
  'from destinations where environment_id = $1 and deleted_at is null',
);
export const countPolicies = counted('count_policies', 'from policies where project_id = $1');
export const countPipelines = counted('count_pipelines', 'from release_pipelines where project_id = $1');
export const countOpenReleases = counted(
  'count_open_releases',
  `from release_intents where project_id = $1 and status = 'ACTIVE'`,
);
export const countOpenReleasesOfOrganisation = counted(
  'count_open_releases_of_organisation',
  `from projects p join release_intents i on i.project_id = p.id and i.status = 'ACTIVE' where p.organisation_id = $1`,
);
