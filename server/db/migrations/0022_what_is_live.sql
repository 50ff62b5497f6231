-- In steps: each paragraph is a transaction, because what locks two tables that servers use could stop requests, or be stopped by them.

-- What the gate knows of places, and what it keeps of its decisions.

-- What a rollback leaves behind: newer builds do not start in the environment until somebody lets them.
create table if not exists holds (
  id uuid primary key,
  project_id uuid not null references projects (id) on delete cascade,
  environment text not null,
  -- The rollback and the build that it returned to.
  release_intent_id uuid not null references release_intents (id) on delete cascade,
  artifact_id uuid not null references artifacts (id) on delete cascade,
  build_order bigint not null,
  -- Who requested the rollback.
  username text not null,
  began_at timestamptz not null,
  began_moment bigint not null default nextval('moments'),
  ended_at timestamptz
);
create index if not exists holds_project on holds (project_id, environment, began_moment desc);
create unique index if not exists holds_intent on holds (release_intent_id, environment);
create or replace trigger note_change after insert or delete on holds for each row execute function note_project_change();
create or replace trigger note_update after update on holds
  for each row when (old.* is distinct from new.*) execute function note_project_change();

-- Places that a stage left out: [{destinationId, destinationName, artifactId, slug, why: 'newer' | 'live'}].
alter table stages add column if not exists skipped jsonb not null default '[]';
-- The build that superseded the stage, and the release that deployed it.
alter table stages add column if not exists superseded_by uuid references artifacts (id) on delete set null;
alter table stages add column if not exists superseded_by_intent uuid;
alter table stages add column if not exists already_live boolean not null default false;
-- Who opened the gate, and the verdicts at that moment.
alter table stages add column if not exists approved_by text[] not null default '{}';
alter table stages add column if not exists opened_verdicts jsonb;
alter table stages add column if not exists plan_run integer not null default 1;
-- When the current run of a plan was asked for, and the digests of the outputs that were approved last.
alter table stages add column if not exists plan_run_at timestamptz;
alter table stages add column if not exists approved_plan text;

alter table policies add column if not exists version bigint not null default 1;

alter table release_pipelines add column if not exists version bigint not null default 1;

create or replace function raise_version() returns trigger language plpgsql as $$
begin
  new.version := old.version + 1;
  return new;
end
$$;

create or replace trigger policies_version before update on policies
  for each row when (old.* is distinct from new.*) execute function raise_version();

create or replace trigger release_pipelines_version before update on release_pipelines
  for each row when (old.* is distinct from new.*) execute function raise_version();

-- Until now newer builds never ended a soak.
update policies set config = config || '{"newerBuildsCount": true}' where type = 'soak_time';

alter table destinations add column if not exists grace_period_seconds integer check (grace_period_seconds between 0 and 3600);

-- Each destination for each project of its organisation, and what is known of the project there.
create or replace view place_states as
  select p.id as project_id, d.id as destination_id, d.name as destination_name, e.name as environment,
         p.organisation_id, d.grace_period_seconds, pl.live_artifact_id, coalesce(pl.live_moment, 0) as live_moment, pl.doubt,
         (select json_build_object('artifactId', a.id, 'slug', a.slug, 'title', a.title, 'version', a.version,
                   'commitSha', a.commit_sha, 'branch', a.branch, 'order', a.build_order, 'since', pl.live_since,
                   'moment', pl.live_moment, 'releaseId', pl.live_release_id, 'intentId', r.release_intent_id,
                   'approvedBy', coalesce(s.approved_by, '{}'))
            from artifacts a
            left join releases r on r.id = pl.live_release_id
            left join stages s on s.release_intent_id = r.release_intent_id and s.id = r.stage_id
           where a.id = pl.live_artifact_id) as live,
         -- Deliveries that started after the live one and did not succeed, the latest first.
         (select coalesce(json_agg(json_build_object('releaseId', u.release_id, 'artifactId', u.artifact_id,
                   'slug', a.slug, 'branch', a.branch, 'order', u.build_order, 'status', u.status, 'endedAt', u.ended_at,
                   'endedMoment', u.ended_moment, 'reported', u.reported) order by u.started_moment desc), '[]')
            from delivery_runs u join artifacts a on a.id = u.artifact_id
           where u.destination_id = d.id and u.project_id = p.id and u.started_moment > coalesce(
                   (select max(l.started_moment) from delivery_runs l where l.release_id = pl.live_release_id), pl.live_moment, 0)
             and u.status in ('FAILED', 'TIMED_OUT', 'CANCELLED') and u.late_status is null) as failures,
         -- Deliveries of the project that run, wait in the queue, or still occupy the destination.
         (select coalesce(json_agg(json_build_object('releaseId', r.id, 'intentId', r.release_intent_id,
                   'artifactId', r.artifact_id, 'slug', a.slug, 'branch', a.branch, 'order', a.build_order,
                   'status', r.status, 'isOpen', s.status = 'ACTIVE',
                   'intentMoment', moment_of(i.moment, i.created_at), 'occupiedUntil', r.occupied_until,
                   'queuedAt', r.queued_at, 'startedAt', r.started_at) order by r.queued_at, r.id), '[]')
            from releases r
            join artifacts a on a.id = r.artifact_id
            join stages s on s.release_intent_id = r.release_intent_id and s.id = r.stage_id
            join release_intents i on i.id = r.release_intent_id
           where r.destination_id = d.id and r.project_id = p.id and r.mode = 'deploy'
             and (r.status in ('QUEUED', 'ASSIGNED', 'RUNNING') or r.occupied_until is not null)) as in_flight,
         (select max(u.started_moment) from delivery_runs u
           where u.destination_id = d.id and u.project_id = p.id) as last_start
    from projects p
    join environments e on e.organisation_id = p.organisation_id
    join destinations d on d.environment_id = e.id and d.deleted_at is null
    left join places pl on pl.destination_id = d.id and pl.project_id = p.id;

-- As before, with what is known of places.
create or replace view release_intent_states as
  select i.id, p.organisation_id as "organisationId", i.project_id as "projectId", p.name as project,
         i.artifact_id as "artifactId", a.slug, a.title, a.branch, a.commit_sha as "commitSha", a.version,
         i.actor_id as "actorId", u.username as "actorUsername",
         (select coalesce(json_agg(json_build_object('userId', r.user_id, 'username', r.username)
                                   order by r.user_id <> i.actor_id, r.username, r.user_id), '[]')
            from release_authors r where r.release_intent_id = i.id) as authors,
         i.force, i.prepare_only as "prepareOnly", i.status, i.error_message as "errorMessage",
         i.wanted_generation as "wantedGeneration", i.seen_generation as "seenGeneration",
         i.next_check_at as "nextCheckAt", i.created_at as "createdAt", i.completed_at as "completedAt",
         (select coalesce(json_agg(json_build_object('id', s.id, 'type', s.type, 'dependsOn', s.depends_on,
                   'environment', s.environment, 'durationSeconds', s.duration_seconds,
                   'autoApprove', s.auto_approve, 'onlyDestinations', s.only_destinations, 'status', s.status,
                   'reason', s.reason, 'errorMessage', s.error_message, 'queuedAt', s.queued_at,
                   'startedAt', s.started_at, 'completedAt', s.completed_at, 'waitUntil', s.wait_until,
                   'nextCheckAt', s.next_check_at, 'planApproval', s.plan_approval, 'skipped', s.skipped,
                   'supersededBy', (select json_build_object('artifactId', b.id, 'slug', b.slug, 'intentId', s.superseded_by_intent)
                                       from artifacts b where b.id = s.superseded_by),
                   'alreadyLive', s.already_live,
                   'openedVerdicts', s.opened_verdicts, 'planRun', s.plan_run, 'planRunAt', s.plan_run_at,
                   'approvedPlan', s.approved_plan)
                   order by s.position), '[]')
            from stages s where s.release_intent_id = i.id) as stages,
         (select coalesce(json_agg(json_build_object('id', r.id, 'stageId', r.stage_id,
                   'destinationId', r.destination_id, 'destinationName', r.destination_name,
                   'environment', r.environment, 'status', r.status, 'mode', r.mode, 'attempt', r.attempt,
                   'destinationType', d.type_organisation || '/' || d.type_name || '@' || d.type_version,
                   'errorMessage', r.error_message, 'queuedAt', r.queued_at, 'assignedAt', r.assigned_at,
                   'startedAt', r.started_at, 'completedAt', r.completed_at, 'run', r.run, 'startedMoment', r.started_moment,
                   'planDigest', r.plan_digest,
                   'occupiedUntil', r.occupied_until, 'lateStatus', u.late_status, 'lateReportedAt', u.late_reported_at)
                   order by r.queued_at, r.destination_name), '[]')
            from releases r
            join destinations d on d.id = r.destination_id
            left join delivery_runs u on u.release_id = r.id and u.run = r.run
           where r.release_intent_id = i.id) as steps,
         moment_of(i.moment, i.created_at) as moment, a.build_order as "buildOrder", u.kind as "actorKind"
    from release_intents i
    join projects p on p.id = i.project_id
    join artifacts a on a.id = i.artifact_id
    join users u on u.id = i.actor_id;

-- The environments that a build's rules look at, with their places as they are for the build. Their `periods` are of this build or an
-- equal one; `otherNewer` is the last newer build of another branch that went live there.
create or replace view build_environments as
  select a.id as artifact_id, e.name as environment,
         (select coalesce(json_agg(json_build_object('id', q.destination_id, 'name', q.destination_name,
                   'live', q.live, 'doubt', q.doubt, 'failures', q.failures, 'inFlight', q.in_flight,
                   'lastStart', q.last_start,
                   'periods', (select coalesce(json_agg(json_build_object('beganAt', l.began_at,
                                        'endedAt', l.ended_at, 'endedBy', eb.slug, 'outdatedAt', l.outdated_at,
                                        'outdatedBy', ob.slug) order by l.began_moment desc), '[]')
                                 from (select * from live_periods l
                                        where l.destination_id = q.destination_id and l.project_id = a.project_id
                                          and l.build_order = a.build_order
                                        order by l.began_moment desc limit 50) l
                                 left join artifacts eb on eb.id = l.ended_by
                                 left join artifacts ob on ob.id = l.outdated_by),
                   -- Live builds that are uncertain have no period.
                   'otherNewer', (select json_build_object('slug', b.slug, 'branch', b.branch, 'moment', l.moment)
                                    from (select l.artifact_id, l.began_moment as moment from live_periods l
                                           where l.destination_id = q.destination_id and l.project_id = a.project_id
                                             and l.build_order > a.build_order
                                          union all
                                          select q.live_artifact_id, q.live_moment) l
                                    join artifacts b on b.id = l.artifact_id
                                   where b.build_order > a.build_order and b.branch <> a.branch
                                   order by l.moment desc limit 1))
                   order by q.destination_name), '[]')
            from place_states q where q.project_id = a.project_id and q.environment = e.name) as places
    from artifacts a
    join projects p on p.id = a.project_id
    join environments e on e.organisation_id = p.organisation_id;

-- What the soak rules of a project know of a build.
create or replace view artifact_soaks as
  select a.id as artifact_id,
         (select coalesce(json_agg(json_build_object('environment', e.environment, 'places', e.places)), '[]')
            from build_environments e
           where e.artifact_id = a.id
             and e.environment in (select c.environment from soak_sources c where c.project_id = a.project_id)) as environments
    from artifacts a;

-- Everything that decides over a release's gates, its places among it.
create or replace view release_intent_facts as
  select s.id, s."organisationId", s."projectId", s.project, s."artifactId", s.slug, s.title, s.branch, s."commitSha", s.version,
         s."actorId", s."actorUsername", s.authors, s.force, s."prepareOnly", s.status, s."errorMessage", s."wantedGeneration",
         s."seenGeneration", s."nextCheckAt", s."createdAt", s."completedAt", s.stages, s.steps, g.policies,
         (select coalesce(json_agg(json_build_object('environment', d.target_environment, 'userId', d.user_id,
                   'username', d.username, 'decision', d.decision, 'bypass', d.bypass, 'comment', d.comment,
                   'decidedAt', d.created_at, 'role', m.role, 'moment', moment_of(d.moment, d.created_at),
                   'memberSince', coalesce(m.moment, 0),
                   'adminSince', case when m.role = 'admin' then coalesce(m.admin_moment, 0) end)
                   order by d.created_at, d.user_id), '[]')
            from approval_decisions d
            left join memberships m on m.organisation_id = s."organisationId" and m.user_id = d.user_id
           where d.release_intent_id = s.id) as votes,
         (select coalesce(json_agg(json_build_object('environment', r.environment, 'id', r.destination_id,
                   'name', r.destination_name, 'lastSucceededAt', r.last_succeeded_at) order by r.destination_name), '[]')
            from artifact_arrivals r
           where r.artifact_id = s."artifactId"
             and (r.environment in (select t.environment from stages t where t.release_intent_id = s.id)
                  or r.environment in (select c.environment from soak_sources c where c.project_id = s."projectId"))
         ) as destinations,
         s.moment, s."buildOrder", s."actorKind",
         (select coalesce(json_agg(json_build_object('environment', e.environment, 'places', e.places)), '[]')
            from build_environments e
           where e.artifact_id = s."artifactId"
             and (e.environment in (select t.environment from stages t where t.release_intent_id = s.id)
                  or e.environment in (select c.environment from soak_sources c where c.project_id = s."projectId"))
         ) as places,
         -- The last rollback of each environment by this release, and by others.
         (select coalesce(json_agg(json_build_object('environment', h.environment, 'intentId', h.release_intent_id,
                   'slug', b.slug, 'order', h.build_order, 'username', h.username, 'beganAt', h.began_at,
                   'moment', h.began_moment, 'endedAt', h.ended_at)), '[]')
            from (select distinct on (h.environment, h.release_intent_id = s.id) h.*
                    from holds h
                   where h.project_id = s."projectId"
                     and h.environment in (select t.environment from stages t where t.release_intent_id = s.id)
                   order by h.environment, h.release_intent_id = s.id, h.began_moment desc) h
            join artifacts b on b.id = h.artifact_id) as holds
    from release_intent_states s
    join project_gates g on g.project_id = s."projectId";

-- Each waiting release is judged by the new rules at once.
update release_intents i set wanted_generation = i.wanted_generation + 1
  from (select id from release_intents where status = 'ACTIVE' order by id for no key update) waiting
 where i.id = waiting.id;
