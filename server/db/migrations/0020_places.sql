-- In steps: each paragraph is a transaction, because what locks two tables that servers use could stop requests, or be stopped by them.

-- What is live. A place is a destination and a project. The database keeps it, because servers of the version before finish
-- deliveries too during an upgrade.

-- The deliveries that have started; a release that is retried has several.
create table if not exists delivery_runs (
  release_id uuid not null references releases (id) on delete cascade,
  run integer not null,
  destination_id uuid not null references destinations (id),
  project_id uuid not null references projects (id) on delete cascade,
  artifact_id uuid not null references artifacts (id) on delete cascade,
  build_order bigint not null,
  started_moment bigint not null,
  started_at timestamptz not null,
  -- RUNNING until it ends.
  status text not null default 'RUNNING' check (status in ('RUNNING', 'SUCCEEDED', 'FAILED', 'TIMED_OUT', 'CANCELLED')),
  ended_moment bigint,
  ended_at timestamptz,
  -- Whether the receiver itself gave the outcome; otherwise the server decided the end, and the outcome there is unknown.
  reported boolean not null default false,
  -- What the receiver reported after the server had decided the end.
  late_status text check (late_status in ('SUCCEEDED', 'FAILED')),
  late_reported_at timestamptz,
  primary key (release_id, run)
);
create index if not exists delivery_runs_place on delivery_runs (destination_id, project_id, started_moment desc);
create index if not exists delivery_runs_artifact on delivery_runs (artifact_id);

create table if not exists places (
  destination_id uuid not null references destinations (id),
  project_id uuid not null references projects (id) on delete cascade,
  -- The build whose delivery succeeded last; null when nothing of the project is known to run there.
  live_artifact_id uuid references artifacts (id) on delete cascade,
  -- Null when an admin said what runs there.
  live_release_id uuid references releases (id) on delete set null,
  live_since timestamptz,
  -- When it became so, also for nothing.
  live_moment bigint not null default 0,
  -- Why the live build is uncertain beside deliveries that did not succeed; null when nothing else makes it so.
  doubt text,
  primary key (destination_id, project_id)
);
create index if not exists places_project on places (project_id);
create index if not exists places_artifact on places (live_artifact_id);

-- The periods in which a build was live on a place, for soak times and returns.
create table if not exists live_periods (
  id bigint generated always as identity primary key,
  destination_id uuid not null references destinations (id),
  project_id uuid not null references projects (id) on delete cascade,
  artifact_id uuid not null references artifacts (id) on delete cascade,
  build_order bigint not null,
  began_at timestamptz not null,
  began_moment bigint not null,
  -- When a delivery of another build started, or one of the same build did not succeed.
  ended_at timestamptz,
  -- The other build; null when it was none.
  ended_by uuid references artifacts (id) on delete set null,
  -- The same, where deliveries of newer builds do not end it.
  outdated_at timestamptz,
  outdated_by uuid references artifacts (id) on delete set null
);
create index if not exists live_periods_place on live_periods (destination_id, project_id, build_order, began_moment desc);
create index if not exists live_periods_open on live_periods (destination_id, project_id, build_order)
  where ended_at is null or outdated_at is null;
create index if not exists live_periods_artifact on live_periods (artifact_id);

alter table releases add column if not exists run integer not null default 1;
-- When its delivery started, by the sequence.
alter table releases add column if not exists started_moment bigint;
-- Of a plan's output, to tell whether another run has the same.
alter table releases add column if not exists plan_digest text;
-- Whether the receiver itself gave the outcome.
alter table releases add column if not exists reported boolean not null default false;
-- A cancelled or timed-out delivery occupies its destination until then, or until its receiver reports.
alter table releases add column if not exists occupied_until timestamptz;

alter table release_report_tokens add column if not exists run integer not null default 1;

-- Ends the periods of a place that a delivery of `artifact` (or null: something that is no delivery) ends at `at`.
create or replace function end_live_periods(destination uuid, project uuid, artifact uuid, by_order bigint, at timestamptz)
returns void language plpgsql as $$
begin
  update live_periods set ended_at = at, ended_by = artifact
   where destination_id = destination and project_id = project and ended_at is null
     and build_order is distinct from by_order;
  update live_periods set outdated_at = at, outdated_by = artifact
   where destination_id = destination and project_id = project and outdated_at is null
     and (by_order is null or build_order > by_order);
end
$$;

-- A build is live on a place from `at` on.
create or replace function go_live(destination uuid, project uuid, artifact uuid, by_order bigint, release uuid, at timestamptz,
                        new_doubt text)
returns void language plpgsql as $$
declare
  now_moment bigint := nextval('moments');
begin
  insert into places (destination_id, project_id, live_artifact_id, live_release_id, live_since, live_moment, doubt)
  values (destination, project, artifact, release, at, now_moment, new_doubt)
  on conflict (destination_id, project_id) do update
     set live_since = case when places.live_artifact_id = excluded.live_artifact_id and places.doubt is null
                                and exists (select from live_periods l
                                             where l.destination_id = destination and l.project_id = project
                                               and l.build_order = by_order and l.ended_at is null)
                           then places.live_since else excluded.live_since end,
         live_artifact_id = excluded.live_artifact_id, live_release_id = excluded.live_release_id,
         live_moment = excluded.live_moment, doubt = excluded.doubt;
  perform end_live_periods(destination, project, artifact, by_order, at);
  if new_doubt is not null then
    perform end_live_periods(destination, project, null, null, at);
  elsif not exists (select from live_periods l
                     where l.destination_id = destination and l.project_id = project and l.build_order = by_order
                       and l.ended_at is null) then
    insert into live_periods (destination_id, project_id, artifact_id, build_order, began_at, began_moment)
    values (destination, project, artifact, by_order, at, now_moment);
  end if;
end
$$;

create or replace function set_started_moment() returns trigger language plpgsql as $$
begin
  new.started_moment := nextval('moments');
  return new;
end
$$;

create or replace function set_plan_digest() returns trigger language plpgsql as $$
begin
  new.plan_digest := encode(sha256(convert_to(new.plan_output, 'UTF8')), 'hex');
  return new;
end
$$;

-- Follows the deliveries of releases.
create or replace function follow_release() returns trigger language plpgsql as $$
begin
  if new.status in ('RUNNING', 'SUCCEEDED') and old.status in ('QUEUED', 'ASSIGNED') then
    insert into delivery_runs (release_id, run, destination_id, project_id, artifact_id, build_order, started_moment, started_at)
    select new.id, new.run, new.destination_id, new.project_id, new.artifact_id, a.build_order, new.started_moment,
           coalesce(new.started_at, new.completed_at, clock_timestamp())
      from artifacts a where a.id = new.artifact_id
    on conflict do nothing;
  end if;
  if new.status in ('SUCCEEDED', 'FAILED', 'TIMED_OUT', 'CANCELLED') then
    -- One that started before this trigger was there.
    if old.status = 'RUNNING' then
      insert into delivery_runs (release_id, run, destination_id, project_id, artifact_id, build_order, started_moment, started_at)
      select new.id, new.run, new.destination_id, new.project_id, new.artifact_id, a.build_order,
             moment_of(new.started_moment, new.started_at), new.started_at
        from artifacts a where a.id = new.artifact_id and new.started_at is not null
      on conflict do nothing;
    end if;
    update delivery_runs set status = new.status, ended_moment = nextval('moments'),
           ended_at = coalesce(new.completed_at, clock_timestamp()), reported = new.reported
     where release_id = new.id and run = new.run and status = 'RUNNING';
  end if;
  return null;
end
$$;

create or replace function follow_delivery_start() returns trigger language plpgsql as $$
begin
  insert into places (destination_id, project_id) values (new.destination_id, new.project_id) on conflict do nothing;
  perform from places where destination_id = new.destination_id and project_id = new.project_id for update;
  perform end_live_periods(new.destination_id, new.project_id, new.artifact_id, new.build_order, new.started_at);
  return null;
end
$$;

create or replace function follow_delivery_end() returns trigger language plpgsql as $$
begin
  perform from places where destination_id = new.destination_id and project_id = new.project_id for update;
  if new.status = 'SUCCEEDED' then
    perform go_live(new.destination_id, new.project_id, new.artifact_id, new.build_order, new.release_id, new.ended_at, null);
  else
    -- Only periods of the same build are still open.
    perform end_live_periods(new.destination_id, new.project_id, null, null, new.ended_at);
  end if;
  return null;
end
$$;

create or replace function follow_late_report() returns trigger language plpgsql as $$
begin
  perform from places where destination_id = new.destination_id and project_id = new.project_id for update;
  if new.late_status = 'SUCCEEDED' then
    perform go_live(new.destination_id, new.project_id, new.artifact_id, new.build_order, new.release_id, new.late_reported_at,
      (select 'another delivery had started before its success was reported'
        where exists (select from delivery_runs r
                       where r.destination_id = new.destination_id and r.project_id = new.project_id
                         and r.started_moment > new.started_moment)));
  end if;
  return null;
end
$$;

create or replace trigger delivery_runs_start after insert on delivery_runs
  for each row when (new.status = 'RUNNING') execute function follow_delivery_start();
create or replace trigger delivery_runs_end after update on delivery_runs
  for each row when (old.status = 'RUNNING' and new.status <> 'RUNNING') execute function follow_delivery_end();
create or replace trigger delivery_runs_late after update on delivery_runs
  for each row when (old.late_status is null and new.late_status is not null) execute function follow_late_report();

-- From here on all starts and ends of deliveries are numbered, after the times of those before, whatever clock they were taken from.
create or replace trigger releases_started_moment before update on releases
  for each row when (new.status in ('RUNNING', 'SUCCEEDED') and old.status in ('QUEUED', 'ASSIGNED'))
  execute function set_started_moment();
create or replace trigger releases_plan_digest before update on releases
  for each row when (new.plan_output is distinct from old.plan_output) execute function set_plan_digest();
create or replace trigger releases_follow after update on releases
  for each row when (new.mode = 'deploy' and old.status is distinct from new.status) execute function follow_release();
select setval('moments', greatest((select last_value from moments),
                                  (extract(epoch from clock_timestamp() + interval '1 minute') * 1000000)::bigint));
