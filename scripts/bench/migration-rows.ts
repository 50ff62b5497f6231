import type pg from 'pg';

/*
 * The past of an organisation in the schema before 0017, inserted with SQL. Each release has a build of its own, one stage, one delivery
 * and one vote, which is more of each than a project has.
 */

export const projects = 50;
/** Destinations of each of the two environments. */
export const destinations = 10;
/** Waiting releases whose gate one vote opens, and whose gate no vote opens. */
export const opening = 100;
export const waiting = 300;

const tables = [
  'projects',
  'policies',
  'artifacts',
  'release_intents',
  'stages',
  'releases',
  'approval_decisions',
];

/** Ids that grow with `n`, as the product's do. */
const idOf = (kind: number) => `('0000000${kind}-0000-7000-8000-' || lpad(to_hex(n), 12, '0'))::uuid`;

/** Inserts `releases` releases of the last year that have ended, and the waiting ones. */
export async function fillPast(
  client: pg.Client,
  organisationId: string,
  authorId: string,
  releases: number,
): Promise<void> {
  const run = (text: string, ...values: readonly string[]) => client.query(text, [...values]);
  // One call of a trigger and one look for each foreign key per row would take longer than the rows.
  for (const table of tables) await run(`alter table ${table} disable trigger user`);
  const { rows: keys } = await client.query<{ table: string; name: string; definition: string }>(
    `select conrelid::regclass::text as table, conname as name, pg_get_constraintdef(oid) as definition
       from pg_constraint where contype = 'f' and conrelid = any($1::regclass[])`,
    [tables],
  );
  for (const { table, name } of keys) await run(`alter table ${table} drop constraint ${name}`);
  await run(
    `
    insert into projects (id, organisation_id, name, created_at)
    select gen_random_uuid(), $1::uuid, 'past-' || n, now() from generate_series(0, ${projects - 1}) n`,
    organisationId,
  );
  // One approval opens the gates of the first ten projects; nothing opens those of the others.
  await run(`
    insert into policies (id, project_id, name, type, target_environment, config, created_at, updated_at)
    select gen_random_uuid(), p.id, c.type, c.type, 'production', c.config, now(), now()
      from projects p
      cross join lateral (values
        ('approval', jsonb_build_object('targetEnvironment', 'production',
                       'requiredApprovals', case when p.name ~ '-[0-9]$' then 1 else 100 end)),
        ('branch_restriction', '{"targetEnvironment": "production", "branchPattern": "^main$"}')) c (type, config)
     where p.name like 'past-%'`);
  // Every tenth build is of the commit before it. The last ones wait.
  await run(
    `
    create temporary table past as
    select n, ${idOf(1)} as artifact_id, ${idOf(2)} as intent_id, ${idOf(3)} as release_id,
           p.id as project_id, d.id as destination_id, d.name as destination_name,
           now() - interval '365 days' * (1 - n / ${releases + opening + waiting}::float8) as at, n > ${releases} as waits,
           case when n > ${releases} then 'QUEUED' when n % 50 = 7 then 'CANCELLED' when n % 30 = 3 then 'TIMED_OUT'
                when n % 20 = 9 then 'FAILED' else 'SUCCEEDED' end as status
      from generate_series(1, ${releases + opening + waiting}) n
      join projects p on p.name = 'past-' || case when n > ${releases + opening} then 10 + n % ${projects - 10}
                                                  when n > ${releases} then n % 10 else n % ${projects} end
      join (select d.id, d.name, row_number() over (order by d.name) - 1 as index
              from destinations d join environments e on e.id = d.environment_id
             where e.organisation_id = $1 and e.name = 'production') d on d.index = n / ${projects} % ${destinations}`,
    organisationId,
  );
  await run(
    `
    insert into artifacts (id, project_id, slug, title, commit_sha, branch, source_email, created_by, created_at)
    select artifact_id, project_id, 'past-' || n, 'Build ' || n,
           md5(((n - ${projects} * (n / ${projects} % 10 / 9)))::text) || '00000000', 'main', 'voter-' || n % 20 || '@example.com',
           $1::uuid, at from past`,
    authorId,
  );
  await run(
    `
    insert into release_intents (id, project_id, artifact_id, actor_id, status, wanted_generation, seen_generation,
                                 created_at, completed_at)
    select intent_id, project_id, artifact_id, $1::uuid,
           case when waits then 'ACTIVE' when status = 'TIMED_OUT' then 'FAILED' else status end, 1, 1,
           at, case when not waits then at + interval '2 minutes' end from past`,
    authorId,
  );
  await run(
    `
    insert into stages (release_intent_id, organisation_id, id, position, type, environment, status, reason, queued_at)
    select intent_id, $1::uuid, 'production', 0, 'deploy', 'production',
           case when waits then 'AWAITING_APPROVAL' when status = 'TIMED_OUT' then 'FAILED' else status end,
           case when waits then 'awaiting approval' end, at from past`,
    organisationId,
  );
  await run(`
    insert into releases (id, release_intent_id, stage_id, project_id, artifact_id, destination_id, destination_name,
                          environment, mode, status, attempt, queued_at, assigned_at, started_at, completed_at)
    select release_id, intent_id, 'production', project_id, artifact_id, destination_id, destination_name,
           'production', 'deploy', status, 1, at, at, at + interval '1 second', at + interval '2 minutes'
      from past where not waits`);
  await run(
    `
    insert into approval_decisions (release_intent_id, target_environment, user_id, username, decision, created_at)
    select intent_id, 'production', $1::uuid, 'founder', 'approved', at from past where not waits`,
    authorId,
  );
  for (const { table, name, definition } of keys)
    await run(`alter table ${table} add constraint ${name} ${definition}`);
  for (const table of tables) await run(`alter table ${table} enable trigger user`);
  await run('drop table past');
  await run(`vacuum analyze ${tables.join(', ')}`);
}
