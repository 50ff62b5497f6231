import { statement } from '#server/db/database.ts';

export interface ProjectMetadata {
  readonly gitUrl: string;
  readonly homepage: string;
  readonly docsUrl: string;
  readonly supportUrl: string;
  readonly domain: string;
  readonly owner: string;
}

export interface ProjectRow extends ProjectMetadata {
  readonly id: string;
  readonly name: string;
  readonly readme: string;
  readonly description: string;
}

const COLUMNS = `id, name, readme, description, git_url as "gitUrl", homepage, docs_url as "docsUrl",
  support_url as "supportUrl", domain, owner`;

export const insertProject = statement<
  [id: string, organisationId: string, name: string, at: Date],
  ProjectRow
>(
  'projects.insert',
  `insert into projects (id, organisation_id, name, created_at) values ($1, $2, $3, $4) returning ${COLUMNS}`,
);

export const findProject = statement<[id: string], ProjectRow>(
  'projects.find',
  `select ${COLUMNS} from projects where id = $1`,
);

export const lockProject = statement<[id: string], ProjectRow>(
  'projects.lock',
  `select ${COLUMNS} from projects where id = $1 for no key update`,
);

export const listProjectNames = statement<
  [organisationId: string, afterName: string | null, limit: number],
  { name: string }
>(
  'projects.list_names',
  `select name from projects
    where organisation_id = $1 and ($2::text is null or name > $2) order by name limit $3`,
);

/** The project as JSON: its readme, description and metadata are replaced. */
export const updateProject = statement<[id: string, project: string]>(
  'projects.update',
  `update projects p
      set readme = n.readme, description = n.description, git_url = n."gitUrl", homepage = n.homepage,
          docs_url = n."docsUrl", support_url = n."supportUrl", domain = n.domain, owner = n.owner
     from jsonb_to_record($2::jsonb) as n (readme text, description text, "gitUrl" text, homepage text,
          "docsUrl" text, "supportUrl" text, domain text, owner text)
    where p.id = $1`,
);

export const listOrganisationNames = statement<[userId: string], { name: string }>(
  'projects.list_organisation_names',
  `select o.name from memberships m join organisations o on o.id = m.organisation_id
    where m.user_id = $1 order by o.name`,
);
