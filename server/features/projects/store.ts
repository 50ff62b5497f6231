import { type Executor, statement } from '#server/db/database.ts';

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

const INSERT = statement<[id: string, organisationId: string, name: string, at: Date], ProjectRow>(
  'projects.insert',
  `insert into projects (id, organisation_id, name, created_at) values ($1, $2, $3, $4) returning ${COLUMNS}`,
);

const BY_ID = statement<[id: string], ProjectRow>(
  'projects.by_id',
  `select ${COLUMNS} from projects where id = $1`,
);

const LOCK = statement<[id: string], ProjectRow>(
  'projects.lock',
  `select ${COLUMNS} from projects where id = $1 for no key update`,
);

const NAMES = statement<[organisationId: string, afterName: string, limit: number], { name: string }>(
  'projects.names',
  'select name from projects where organisation_id = $1 and name > $2 order by name limit $3',
);

const UPDATE = statement<
  [
    id: string,
    readme: string,
    description: string,
    gitUrl: string,
    homepage: string,
    docsUrl: string,
    supportUrl: string,
    domain: string,
    owner: string,
  ]
>(
  'projects.update',
  `update projects set readme = $2, description = $3, git_url = $4, homepage = $5, docs_url = $6, support_url = $7,
          domain = $8, owner = $9 where id = $1`,
);

const ORGANISATIONS = statement<[userId: string], { name: string }>(
  'projects.organisations',
  `select o.name from memberships m join organisations o on o.id = m.organisation_id
    where m.user_id = $1 order by o.name`,
);

export async function insertProject(
  executor: Executor,
  id: string,
  organisationId: string,
  name: string,
  at: Date,
) {
  return (await executor.run(INSERT, [id, organisationId, name, at]))[0];
}

export async function findById(executor: Executor, id: string) {
  return (await executor.run(BY_ID, [id]))[0];
}

export async function lockById(executor: Executor, id: string) {
  return (await executor.run(LOCK, [id]))[0];
}

export async function listNames(
  executor: Executor,
  organisationId: string,
  afterName: string | null,
  limit: number,
): Promise<string[]> {
  // No name is empty, so the empty text is the place before the first one.
  const rows = await executor.run(NAMES, [organisationId, afterName ?? '', limit]);
  return rows.map((row) => row.name);
}

export async function updateProject(executor: Executor, row: ProjectRow): Promise<void> {
  const { id, readme, description, gitUrl, homepage, docsUrl, supportUrl, domain, owner } = row;
  await executor.run(UPDATE, [id, readme, description, gitUrl, homepage, docsUrl, supportUrl, domain, owner]);
}

export async function organisationNames(executor: Executor, userId: string): Promise<string[]> {
  return (await executor.run(ORGANISATIONS, [userId])).map((row) => row.name);
}
