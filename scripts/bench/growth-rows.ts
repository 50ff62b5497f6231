import type pg from 'pg';

/*
 * The rows of years of use, with the content that the product writes and a history entry for each vote. They are inserted with
 * SQL, because a million votes by request would take half an hour.
 */

export const projects = 50;
export const intents = 10_000;
/** Waiting releases; all others have ended. A waiting one has one vote, regardless of the number of all votes. */
export const waitingIntents = 1_000;
export const voters = 120;

/** Inserts everything except votes: 50 projects with 10 policies each, 120 voters, 10,000 releases of which 1,000 wait. */
export async function fillReleases(
  client: pg.Client,
  organisationId: string,
  authorId: string,
): Promise<void> {
  const params = [organisationId, authorId];
  const run = (text: string) => client.query(text, params.slice(0, text.includes('$2') ? 2 : 1));
  await run(`
    insert into projects (id, organisation_id, name, created_at)
    select gen_random_uuid(), $1::uuid, 'grown-' || n, now() from generate_series(1, ${projects}) n`);
  // Five environments each; the approval policies require more votes than there will be.
  await run(`
    insert into policies (id, project_id, name, type, target_environment, config, created_at, updated_at)
    select gen_random_uuid(), p.id, t.name || ' ' || e.name, t.type, e.name,
           case t.type when 'approval' then jsonb_build_object('targetEnvironment', e.name, 'requiredApprovals', 100)
                       else jsonb_build_object('targetEnvironment', e.name, 'branchPattern', '^main$') end, now(), now()
      from projects p
      join environments e on e.organisation_id = p.organisation_id
      cross join (values ('approvals', 'approval'), ('branch', 'branch_restriction')) t (name, type)
     where p.organisation_id = $1 and p.name like 'grown-%'`);
  await run(`
    with made as (
      insert into users (id, username, email, created_at, updated_at)
      select gen_random_uuid(), 'grown-' || n, 'grown-' || n || '@example.com', now(), now()
        from generate_series(1, ${voters}) n
      returning id)
    insert into memberships (organisation_id, user_id, role, joined_at)
    select $1::uuid, id, 'member', now() from made`);
  await run(`
    insert into artifacts (id, project_id, slug, title, commit_sha, branch, created_by, created_at)
    select gen_random_uuid(), p.id, 'grown-' || n, 'Build ' || n, repeat('ab', 20), 'main', $2::uuid,
           now() - interval '1 minute' * (${intents} - n)
      from generate_series(1, ${intents}) n
      join (select id, row_number() over (order by name) - 1 as index from projects
             where organisation_id = $1 and name like 'grown-%') p on p.index = n % ${projects}`);
  // The newest wait.
  await run(`
    insert into release_intents (id, project_id, artifact_id, actor_id, status, wanted_generation, seen_generation,
                                 created_at, completed_at)
    select gen_random_uuid(), a.project_id, a.id, $2::uuid, case when waits then 'ACTIVE' else 'SUCCEEDED' end, 1, 1,
           a.created_at, case when waits then null else a.created_at end
      from (select a.*, row_number() over (order by a.created_at desc) <= ${waitingIntents} as waits
              from artifacts a join projects p on p.id = a.project_id
             where p.organisation_id = $1 and a.slug like 'grown-%') a`);
  await run(`
    insert into stages (release_intent_id, organisation_id, id, position, type, environment, status, reason, queued_at)
    select i.id, $1::uuid, 'production', 0, 'deploy', 'production',
           case i.status when 'ACTIVE' then 'AWAITING_APPROVAL' else 'SUCCEEDED' end,
           case i.status when 'ACTIVE' then 'awaiting approval: 1/100' end, i.created_at
      from release_intents i join projects p on p.id = i.project_id
     where p.organisation_id = $1 and p.name like 'grown-%'`);
}

/**
 * Inserts votes up to `total`, each with its history entry: the first thousand on waiting releases, one each; the others evenly on
 * ended releases, each by another voter.
 */
export async function fillVotes(client: pg.Client, organisationId: string, total: number): Promise<void> {
  const { rows } = await client.query<{ votes: number }>(
    'select count(*)::int as votes from approval_decisions where username like $1',
    ['grown-%'],
  );
  const existing = rows[0]?.votes ?? 0;
  await client.query(
    `with numbered_intents as (
       select i.id, row_number() over (order by i.status, i.created_at desc) as position
         from release_intents i join projects p on p.id = i.project_id
        where p.organisation_id = $1::uuid and p.name like 'grown-%'
     ), numbered_voters as (
       select u.id, u.username, row_number() over (order by u.username) - 1 as voter
         from users u where u.username like 'grown-%'
     ), votes as (
       select case when n <= ${waitingIntents} then n
                   else ${waitingIntents} + 1 + (n - ${waitingIntents} - 1) % ${intents - waitingIntents} end as position,
              case when n <= ${waitingIntents} then 0
                   else (n - ${waitingIntents} - 1) / ${intents - waitingIntents} end as voter
         from generate_series($2::int + 1, $3::int) n
     )
     insert into approval_decisions (release_intent_id, target_environment, user_id, username, decision, comment,
                                     created_at)
     select i.id, 'production', u.id, u.username, 'approved', 'Reviewed and tested.', now()
       from votes v join numbered_intents i using (position) join numbered_voters u using (voter)`,
    [organisationId, existing, total],
  );
  await fillHistory(client, organisationId);
  await client.query(
    'vacuum analyze approval_decisions, history, release_intents, stages, artifacts, policies, users, memberships',
  );
}

const tablesWithTriggers = ['history', 'history_heads'];

/**
 * Inserts a history entry for each vote without one. Linking a million one by one would take too long, so the triggers are disabled:
 * the entries have valid numbers but invalid hashes.
 */
async function fillHistory(client: pg.Client, organisationId: string): Promise<void> {
  await client.query('begin');
  for (const table of tablesWithTriggers) await client.query(`alter table ${table} disable trigger user`);
  await client.query(
    `insert into history (organisation_id, project_id, release_intent_id, at, kind, actor_id, actor_username, subject,
                          after, sequence, content_hash, previous_hash, hash)
     select $1::uuid, i.project_id, d.release_intent_id, d.created_at, 'approval.approved', d.user_id, d.username,
            'production',
            '{"environment": "production", "decision": "approved", "bypass": false, "comment": "Reviewed and tested."}',
            head.sequence + row_number() over (), head.hash, head.hash, head.hash
       from history_heads head
       cross join approval_decisions d
       join release_intents i on i.id = d.release_intent_id
      where head.chain = $1 and d.username like 'grown-%'
        and not exists (select 1 from history h
                         where h.release_intent_id = d.release_intent_id and h.actor_id = d.user_id)`,
    [organisationId],
  );
  await client.query(
    `update history_heads set sequence = (select max(h.sequence) from history h where h.organisation_id = chain)
      where chain = $1`,
    [organisationId],
  );
  for (const table of tablesWithTriggers) {
    const { rows } = await client.query<{ name: string }>(
      'select tgname as name from pg_trigger where tgrelid = $1::regclass and not tgisinternal',
      [table],
    );
    for (const { name } of rows) await client.query(`alter table ${table} enable always trigger "${name}"`);
  }
  await client.query('commit');
}

/** Resets ended releases to waiting, so that all 10,000 are gated. */
export async function gateAll(client: pg.Client): Promise<void> {
  await client.query(`
    update release_intents i set status = 'ACTIVE', completed_at = null
      from projects p where p.id = i.project_id and p.name like 'grown-%' and i.status = 'SUCCEEDED'`);
  await client.query(`
    update stages s set status = 'AWAITING_APPROVAL', reason = 'awaiting approval: 1/100'
      from release_intents i join projects p on p.id = i.project_id
     where i.id = s.release_intent_id and p.name like 'grown-%' and s.status = 'SUCCEEDED'`);
  await client.query('vacuum analyze release_intents, stages');
  await client.query('checkpoint').catch(() => {
    // Requires a superuser; otherwise PostgreSQL's next regular checkpoint has to do.
  });
}
