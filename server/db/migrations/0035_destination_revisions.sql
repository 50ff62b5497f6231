-- In steps: each paragraph is a transaction, because what locks two tables that servers use could stop requests, or be stopped by them.

-- What was approved is what is delivered: votes and plans cover destinations as they were then. Servers of the version before start
-- nothing from here on (0017_gate_rules.sql).
create or replace function gate_rules_version() returns integer language sql immutable as 'select 3';

-- Raised when the address or settings change.
alter table destinations add column if not exists revision bigint not null default 1;

-- What was done to destinations since this version.
create table if not exists destination_revisions (
  destination_id uuid not null references destinations (id) on delete cascade,
  environment_id uuid not null references environments (id) on delete cascade,
  -- When, by the same sequence as votes, and by the clock.
  moment bigint not null default nextval('moments'),
  at timestamptz not null default clock_timestamp(),
  change text not null check (change in ('added', 'changed', 'removed')),
  -- Whether the address has changed.
  address boolean not null,
  -- The username; empty when a server of the version before made the change.
  by text not null,
  primary key (destination_id, moment)
);
create index if not exists destination_revisions_environment on destination_revisions (environment_id, moment);

-- Secrets, which are kept apart from the settings, and the grace period are no part of the revision.
create or replace function raise_destination_revision() returns trigger language plpgsql as $$
begin
  new.revision := old.revision + 1;
  return new;
end
$$;

-- The transaction names who makes the change (the setting `forage.changed_by`). The field `url` is the address.
create or replace function keep_destination_revision() returns trigger language plpgsql as $$
begin
  insert into destination_revisions (destination_id, environment_id, change, address, by)
  values (new.id, new.environment_id,
          case when tg_op = 'INSERT' then 'added' when new.deleted_at is not null then 'removed' else 'changed' end,
          tg_op = 'UPDATE' and new.deleted_at is null and old.metadata ->> 'url' is distinct from new.metadata ->> 'url',
          coalesce(current_setting('forage.changed_by', true), ''));
  return null;
end
$$;

create or replace trigger destinations_revision before update on destinations
  for each row when (new.deleted_at is null and
                     (old.type_organisation, old.type_name, old.type_version, old.metadata) is distinct from
                     (new.type_organisation, new.type_name, new.type_version, new.metadata))
  execute function raise_destination_revision();

create or replace trigger destinations_added after insert on destinations
  for each row execute function keep_destination_revision();

create or replace trigger destinations_changed after update on destinations
  for each row when (old.revision <> new.revision or old.deleted_at is null and new.deleted_at is not null)
  execute function keep_destination_revision();

-- The revision that a run was started with; null when it started before this version.
alter table releases add column if not exists destination_revision bigint;

-- As before, with the revision.
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
           where u.destination_id = d.id and u.project_id = p.id) as last_start,
         d.revision
    from projects p
    join environments e on e.organisation_id = p.organisation_id
    join destinations d on d.environment_id = e.id and d.deleted_at is null
    left join places pl on pl.destination_id = d.id and pl.project_id = p.id;

create or replace view build_environments as
  select a.id as artifact_id, e.name as environment,
         (select coalesce(json_agg(json_build_object('id', q.destination_id, 'name', q.destination_name,
                   'live', q.live, 'doubt', q.doubt, 'failures', q.failures, 'inFlight', q.in_flight,
                   'lastStart', q.last_start, 'revision', q.revision,
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
                   'planDigest', r.plan_digest, 'destinationRevision', r.destination_revision,
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

-- What was done to the destinations of an environment since the first of the votes on it: of each destination the last of each kind.
create or replace view release_destination_changes as
  select i.id as release_intent_id,
         (select coalesce(json_agg(json_build_object('environment', c.environment, 'destinationId', c.destination_id,
                   'destination', c.name, 'change', c.change, 'address', c.address, 'by', c.by, 'at', c.at,
                   'moment', c.moment) order by c.moment), '[]')
            from (select distinct on (r.destination_id, r.change, r.address) e.name as environment, d.name, r.*
                    from (select v.target_environment as name, min(moment_of(v.moment, v.created_at)) as moment
                            from approval_decisions v
                           where v.release_intent_id = i.id
                           group by v.target_environment) first
                    join projects p on p.id = i.project_id
                    join environments e on e.organisation_id = p.organisation_id and e.name = first.name
                    -- With an offset, because the planner would read all of the environment and compare the moments later.
                    cross join lateral (select * from destination_revisions s
                                         where s.environment_id = e.id and s.moment > first.moment offset 0) r
                    join destinations d on d.id = r.destination_id
                   order by r.destination_id, r.change, r.address, r.moment desc) c) as changes
    from release_intents i;

-- As before; approvals do not count either that were given before a destination to which the release has yet to be deployed was added
-- or changed (`concerns` in domain/approval/destination-changes.ts).
create or replace function approvals_renewed(intent uuid, environment text) returns bigint language sql stable as $$
  select greatest(
    (select max(h.began_moment) from holds h
      where h.project_id = i.project_id and h.environment = approvals_renewed.environment and h.release_intent_id <> i.id),
    (select max(l.began_moment)
       from environments e
       join destinations d on d.environment_id = e.id and d.deleted_at is null
       join live_periods l on l.destination_id = d.id and l.project_id = i.project_id and l.build_order > a.build_order
       join artifacts b on b.id = l.artifact_id and b.branch <> a.branch
      where e.organisation_id = p.organisation_id and e.name = approvals_renewed.environment),
    (select max(r.moment)
       from environments e
       join destination_revisions r on r.environment_id = e.id and r.change in ('added', 'changed')
       join destinations d on d.id = r.destination_id and d.deleted_at is null
       join stages s on s.release_intent_id = i.id and s.type = 'deploy' and s.environment = e.name
        and s.status in ('PENDING', 'AWAITING_APPROVAL', 'ACTIVE')
      where e.organisation_id = p.organisation_id and e.name = approvals_renewed.environment
        and r.moment > (select min(moment_of(v.moment, v.created_at)) from approval_decisions v
                         where v.release_intent_id = i.id and v.target_environment = approvals_renewed.environment)
        and case when exists (select from releases q where q.release_intent_id = i.id and q.stage_id = s.id)
                 then exists (select from releases q where q.release_intent_id = i.id and q.stage_id = s.id
                                 and q.destination_id = d.id and q.status = 'QUEUED')
                 else s.status <> 'ACTIVE' and (s.only_destinations is null or d.name = any (s.only_destinations)) end))
    from release_intents i
    join artifacts a on a.id = i.artifact_id
    join projects p on p.id = i.project_id
   where i.id = intent
$$;

-- Each waiting release is judged by the new rules at once.
update release_intents i set wanted_generation = i.wanted_generation + 1
  from (select id from release_intents where status = 'ACTIVE' order by id for no key update) waiting
 where i.id = waiting.id;
