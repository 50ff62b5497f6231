import type pg from 'pg';

export const projects = 200;
/** Builds of each project that are newer than the live one, with ten commits each. */
export const newerBuilds = 5;

const TABLES = [
  'artifacts',
  'release_intents',
  'stages',
  'releases',
  'delivery_runs',
  'live_periods',
  'places',
] as const;

/**
 * Inserts 200 projects, each with `past` builds that were deployed to every destination, one after the other, and with newer ones that
 * were not. Inserted with SQL, without the triggers that follow deliveries: a million deliveries would take hours.
 */
export async function fillBoard(
  client: pg.Client,
  organisationId: string,
  userId: string,
  past: number,
): Promise<void> {
  await client.query('begin');
  const triggers = new Map<string, string[]>();
  for (const table of TABLES) {
    const { rows } = await client.query<{ name: string }>(
      `select tgname as name from pg_trigger where tgrelid = $1::regclass and not tgisinternal and tgenabled <> 'D'`,
      [table],
    );
    triggers.set(
      table,
      rows.map(({ name }) => name),
    );
    await client.query(`alter table ${table} disable trigger user`);
  }
  await client.query(
    `insert into projects (id, organisation_id, name, created_at)
     select gen_random_uuid(), $1, 'board-' || lpad(n::text, 3, '0'), now() from generate_series(1, ${projects}) n`,
    [organisationId],
  );
  await client.query(
    `insert into artifacts (id, project_id, slug, title, commit_sha, branch, repo_url, created_by, created_at, moment, build_order)
     select gen_random_uuid(), p.id, p.name || '-' || n, 'Build ' || n, lpad(to_hex(n), 40, '0'), 'main',
            'https://github.com/acme/shop', $1, now() - interval '1 minute' * ($2 - n), n, n
       from projects p cross join generate_series(1, $2::int + ${newerBuilds}) n where p.name like 'board-%'`,
    [userId, past],
  );
  await client.query(
    `insert into artifact_commits (artifact_id, base_sha, commits)
     select a.id, lpad(to_hex(a.build_order - 1), 40, '0'),
            (select jsonb_agg(jsonb_build_object('sha', a.commit_sha || n, 'title', 'Change ' || n, 'coAuthors', '[]'::jsonb,
                      'authorName', 'Author ' || n, 'authorEmail', 'author-' || n || '@example.com'))
               from generate_series(1, 10) n)
       from artifacts a where a.slug like 'board-%' and a.build_order > $1`,
    [past],
  );
  await client.query(
    `insert into release_intents (id, project_id, artifact_id, actor_id, status, wanted_generation, seen_generation, created_at,
                                  completed_at)
     select gen_random_uuid(), a.project_id, a.id, $1, 'SUCCEEDED', 1, 1, a.created_at, a.created_at
       from artifacts a where a.slug like 'board-%' and a.build_order <= $2`,
    [userId, past],
  );
  await client.query(
    `insert into stages (release_intent_id, organisation_id, id, position, type, environment, status, queued_at, completed_at)
     select i.id, $1, e.name, 0, 'deploy', e.name, 'SUCCEEDED', i.created_at, i.created_at
       from release_intents i cross join environments e where e.organisation_id = $1`,
    [organisationId],
  );
  await client.query(
    `insert into releases (id, release_intent_id, stage_id, project_id, artifact_id, destination_id, destination_name, environment,
                           mode, status, queued_at, started_at, completed_at)
     select gen_random_uuid(), i.id, e.name, i.project_id, i.artifact_id, d.id, d.name, e.name, 'deploy', 'SUCCEEDED',
            i.created_at, i.created_at, i.created_at
       from release_intents i
       join environments e on e.organisation_id = $1
       join destinations d on d.environment_id = e.id`,
    [organisationId],
  );
  await client.query(
    `insert into delivery_runs (release_id, run, destination_id, project_id, artifact_id, build_order, started_moment, started_at,
                                status, ended_moment, ended_at, reported)
     select r.id, 1, r.destination_id, r.project_id, r.artifact_id, a.build_order, a.build_order, r.started_at, 'SUCCEEDED',
            a.build_order, r.completed_at, true
       from releases r join artifacts a on a.id = r.artifact_id`,
  );
  await client.query(
    `insert into live_periods (destination_id, project_id, artifact_id, build_order, began_at, began_moment, ended_at)
     select destination_id, project_id, artifact_id, build_order, ended_at, ended_moment,
            case when build_order < $1 then ended_at + interval '1 minute' end
       from delivery_runs`,
    [past],
  );
  await client.query(
    `insert into places (destination_id, project_id, live_artifact_id, live_release_id, live_since, live_moment)
     select destination_id, project_id, artifact_id, release_id, ended_at, ended_moment from delivery_runs where build_order = $1`,
    [past],
  );
  for (const [table, names] of triggers)
    for (const name of names) await client.query(`alter table ${table} enable always trigger "${name}"`);
  await client.query('commit');
  await client.query(`vacuum analyze ${TABLES.join(', ')}, projects, artifact_commits`);
}
