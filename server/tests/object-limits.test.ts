import { afterAll, expect, test } from 'vitest';
import { LIMITS } from '#server/limits.ts';
import { branchPolicy, deployStage } from './gate-world.ts';
import { startTestApp } from './harness.ts';
import { refusal } from './refusal.ts';
import { uniqueName, world } from './world.ts';

const app = await startTestApp();
afterAll(() => app.stop());
const w = await world(app);
const { pool } = app.context.db;
const { organisation, organisationId, project } = w;
const { rows } = await pool.query('select id from projects where organisation_id = $1', [organisationId]);
const projectId: string = rows[0].id;

const environment = () => w.admin.environments.createEnvironment({ organisation, name: uniqueName('env') });
const pipeline = () => w.pipeline(uniqueName('pipeline'), deployStage('deploy', 'staging'));

const CASES = [
  {
    what: 'destinations of an environment',
    max: LIMITS.destinationsPerEnvironment,
    fill: `insert into destinations (id, organisation_id, environment_id, name, type_organisation, type_name, type_version, created_at)
           select gen_random_uuid(), $1, (select id from environments where organisation_id = $1 and name = 'staging'), 'filler-' || n,
                  'forage', 'noop', 1, now() from generate_series(1, $2::int) n`,
    owner: organisationId,
    create: () => w.destination(uniqueName('destination'), 'staging'),
    elsewhere: () => w.destination(uniqueName('destination'), 'production'),
    message:
      'Environment "staging" has 1000 destinations, the maximum. Delete one first, or use another environment.',
  },
  {
    what: 'policies of a project',
    max: LIMITS.policiesPerProject,
    fill: `insert into policies (id, project_id, name, type, target_environment, config, created_at, updated_at, enabled)
           select gen_random_uuid(), $1, 'filler-' || n, 'EXTERNAL_APPROVAL', 'staging', '{}', now(), now(), false
             from generate_series(1, $2::int) n`,
    owner: projectId,
    create: () => branchPolicy(w, uniqueName('policy'), 'main'),
    message: 'Project "checkout" has 100 policies, the maximum. Delete one first.',
  },
  {
    what: 'pipelines of a project',
    max: LIMITS.pipelinesPerProject,
    fill: `insert into release_pipelines (id, project_id, name, enabled, stages, created_at, updated_at)
           select gen_random_uuid(), $1, 'filler-' || n, false, '[]', now(), now() from generate_series(1, $2::int) n`,
    owner: projectId,
    create: pipeline,
    message: 'Project "checkout" has 100 pipelines, the maximum. Delete one first.',
  },
  {
    what: 'environments of an organisation',
    max: LIMITS.environmentsPerOrganisation,
    fill: `insert into environments (id, organisation_id, name, created_at)
           select gen_random_uuid(), $1, 'filler-' || n, now() from generate_series(1, $2::int) n`,
    owner: organisationId,
    create: environment,
    message: `Organisation "${organisation}" has 200 environments, the maximum. Delete one first.`,
  },
  {
    what: 'projects of an organisation',
    max: LIMITS.projectsPerOrganisation,
    fill: `insert into projects (id, organisation_id, name, created_at)
           select gen_random_uuid(), $1, 'filler-' || n, now() from generate_series(1, $2::int) n`,
    owner: organisationId,
    create: () => w.admin.releases.createProject({ organisation, project: uniqueName('project') }),
    message: `Organisation "${organisation}" has 1000 projects, the maximum. Use one of them, or another organisation.`,
  },
];

/** The rows that count, by the table that a case fills. */
const OWNED: Readonly<Record<string, string>> = {
  destinations: `environment_id = (select id from environments where organisation_id = $1 and name = 'staging')`,
  policies: 'project_id = $1',
  release_pipelines: 'project_id = $1',
  environments: 'organisation_id = $1',
  projects: 'organisation_id = $1',
};

test.each(CASES)(
  'limits the $what, also concurrently',
  async ({ fill, max, owner, create, elsewhere, message }) => {
    const table = /into (\w+)/.exec(fill)?.[1] ?? '';
    const { rows } = await pool.query(`select count(*) as n from ${table} where ${OWNED[table]}`, [owner]);
    await pool.query(fill, [owner, max - rows[0].n - 2]);
    const all = await Promise.allSettled([create(), create(), create(), create()]);
    expect(all.filter(({ status }) => status === 'fulfilled')).toHaveLength(2);
    expect(await refusal(create())).toMatchObject({ code: 'ResourceExhausted', message });
    await elsewhere?.();
  },
);

test('limits the releases of a project that have not ended', async () => {
  await pool.query('delete from policies');
  await w.approvalPolicy(1);
  const { artifactId } = await w.artifact();
  await pool.query(
    `insert into release_intents (id, project_id, artifact_id, actor_id, created_at, seen_generation)
     select gen_random_uuid(), $1, $2, $3, now(), 1 from generate_series(1, $4::int)`,
    [projectId, (await w.artifact()).artifactId, w.author.userId, LIMITS.openReleasesPerProject - 1],
  );
  await w.release(artifactId, ['production']);
  const { code, message } = await refusal(w.releaseNew(['production']));
  expect(code).toBe('ResourceExhausted');
  expect(message).toBe(
    `Project "${project.project}" has 1000 releases that have not ended, the maximum. Cancel some, or wait until they end.`,
  );
  // Those of the database's filler do not count once they have ended.
  await pool.query(`update release_intents set status = 'CANCELLED' where project_id = $1`, [projectId]);
  await w.releaseNew(['production']);
});

test('limits the organisations that a user is an admin of', async () => {
  const create = () => w.reviewer.organisations.createOrganisation({ name: uniqueName('another') });
  const all = await Promise.allSettled(Array.from({ length: LIMITS.organisationsPerAdmin + 2 }, create));
  expect(all.filter(({ status }) => status === 'fulfilled')).toHaveLength(LIMITS.organisationsPerAdmin);
  const { message } = await refusal(create());
  expect(message).toBe(
    `${w.reviewer.username} has 20 organisations as an admin, the maximum. Leave one of them first.`,
  );
});
