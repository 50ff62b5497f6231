-- A doubt about what a place runs is cleared by a delivery that starts after it and succeeds.
alter table places add column doubt_moment bigint;

-- Ends the periods of a build, or an equal one: a delivery of it did not succeed, or what runs is uncertain.
create function interrupt_live_periods(destination uuid, project uuid, of_order bigint, at timestamptz) returns void
language sql as $$
  update live_periods set ended_at = coalesce(ended_at, at), outdated_at = coalesce(outdated_at, at)
   where destination_id = destination and project_id = project and build_order = of_order
     and (ended_at is null or outdated_at is null)
$$;

create or replace function go_live(destination uuid, project uuid, artifact uuid, by_order bigint, release uuid, at timestamptz,
                                   new_doubt text)
returns void language plpgsql as $$
declare
  now_moment bigint := nextval('moments');
  stays boolean := new_doubt is null
    and exists (select from places p where p.destination_id = destination and p.project_id = project
                   and p.live_artifact_id = artifact and p.doubt is null)
    and exists (select from live_periods l where l.destination_id = destination and l.project_id = project
                   and l.build_order = by_order and l.ended_at is null);
begin
  insert into places (destination_id, project_id, live_artifact_id, live_release_id, live_since, live_moment, doubt)
  values (destination, project, artifact, release, at, now_moment, new_doubt)
  on conflict (destination_id, project_id) do update
     -- A build that is deployed again has been live since before.
     set live_since = case when stays then places.live_since else excluded.live_since end,
         live_moment = case when stays then places.live_moment else excluded.live_moment end,
         live_artifact_id = excluded.live_artifact_id, live_release_id = excluded.live_release_id, doubt = excluded.doubt,
         doubt_moment = case when excluded.doubt is not null then places.doubt_moment end;
  perform end_live_periods(destination, project, artifact, by_order, at);
  if new_doubt is not null then
    perform interrupt_live_periods(destination, project, by_order, at);
  elsif artifact is not null
        and not exists (select from live_periods l
                         where l.destination_id = destination and l.project_id = project and l.build_order = by_order
                           and l.ended_at is null) then
    insert into live_periods (destination_id, project_id, artifact_id, build_order, began_at, began_moment)
    values (destination, project, artifact, by_order, at, now_moment);
  end if;
end
$$;

-- Makes uncertain what a place runs. Deliveries that started after `since` clear it by their success.
create function doubt_place(destination uuid, project uuid, why text, since bigint, at timestamptz) returns void language plpgsql as $$
begin
  update places set doubt = why, doubt_moment = since where destination_id = destination and project_id = project;
  perform end_live_periods(destination, project, null, null, at);
end
$$;

-- As before, but it locks the place before it numbers the start: what settles the place meanwhile comes before or after it.
create or replace function follow_release() returns trigger language plpgsql as $$
declare
  started boolean := new.status = 'RUNNING' and old.status in ('QUEUED', 'ASSIGNED')
                     or new.status = 'SUCCEEDED' and old.status in ('QUEUED', 'ASSIGNED');
begin
  if started then
    insert into places (destination_id, project_id) values (new.destination_id, new.project_id) on conflict do nothing;
    perform from places where destination_id = new.destination_id and project_id = new.project_id for update;
    insert into delivery_runs (release_id, run, destination_id, project_id, artifact_id, build_order, started_moment, started_at)
    select new.id, new.run, new.destination_id, new.project_id, new.artifact_id, a.build_order, nextval('moments'),
           coalesce(new.started_at, new.completed_at, clock_timestamp())
      from artifacts a where a.id = new.artifact_id
    on conflict do nothing;
  end if;
  if new.status in ('SUCCEEDED', 'FAILED', 'TIMED_OUT', 'CANCELLED') then
    -- One that started before 0020.
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
  perform end_live_periods(new.destination_id, new.project_id, new.artifact_id, new.build_order, new.started_at);
  return null;
end
$$;

create or replace function follow_delivery_end() returns trigger language plpgsql as $$
declare
  remaining text;
begin
  select case when p.doubt_moment > new.started_moment then p.doubt end into remaining
    from places p where p.destination_id = new.destination_id and p.project_id = new.project_id for update;
  if new.status = 'SUCCEEDED' then
    perform go_live(new.destination_id, new.project_id, new.artifact_id, new.build_order, new.release_id, new.ended_at, remaining);
  else
    perform interrupt_live_periods(new.destination_id, new.project_id, new.build_order, new.ended_at);
  end if;
  return null;
end
$$;

create or replace function follow_late_report() returns trigger language plpgsql as $$
declare
  remaining text;
  why text;
begin
  select case when p.doubt_moment > new.started_moment then p.doubt end into remaining
    from places p where p.destination_id = new.destination_id and p.project_id = new.project_id for update;
  select a.slug || case new.late_status when 'SUCCEEDED' then ' succeeded' else ' failed' end || ' while another delivery ran'
    into why
    from artifacts a
   where a.id = new.artifact_id
     and exists (select from delivery_runs r
                  where r.destination_id = new.destination_id and r.project_id = new.project_id
                    and r.started_moment > new.started_moment);
  if new.late_status = 'SUCCEEDED' then
    perform go_live(new.destination_id, new.project_id, new.artifact_id, new.build_order, new.release_id, new.late_reported_at,
                    coalesce(remaining, why));
  end if;
  if why is not null and remaining is null then
    perform doubt_place(new.destination_id, new.project_id, why, new.started_moment, new.late_reported_at);
  end if;
  return null;
end
$$;
