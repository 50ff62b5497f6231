-- In steps: fills the tables of 0020 from the deliveries before them, one place at a time: a delivery waits for its place only.

create index if not exists releases_place on releases (destination_id, project_id, started_at)
  where mode = 'deploy' and started_at is not null;

create table if not exists places_to_fill (destination_id uuid, project_id uuid, primary key (destination_id, project_id));
insert into places_to_fill
select distinct destination_id, project_id from releases where mode = 'deploy' and started_at is not null
on conflict do nothing;

create or replace function fill_place(destination uuid, project uuid) returns void language plpgsql as $$
declare
  e record;
  open_ids bigint[] := '{}';
  open_orders bigint[] := '{}';
  live bigint;
  live_order bigint;
begin
  -- What runs ends before or after this; the triggers follow what ends after it.
  perform from releases r where r.destination_id = destination and r.project_id = project and r.status = 'RUNNING' for no key update;
  insert into places (destination_id, project_id) values (destination, project) on conflict do nothing;
  perform from places p where p.destination_id = destination and p.project_id = project for update;
  update places p
     set live_artifact_id = last.artifact_id, live_release_id = last.id, live_since = last.completed_at,
         live_moment = moment_of(null, last.completed_at)
    from (select r.artifact_id, r.id, r.completed_at from releases r
           where r.destination_id = destination and r.project_id = project and r.mode = 'deploy' and r.started_at is not null
             and r.status = 'SUCCEEDED'
           order by r.completed_at desc limit 1) last
   where p.destination_id = destination and p.project_id = project and p.live_moment = 0;
  -- Those that run, and those that did not succeed after the last success.
  insert into delivery_runs (release_id, run, destination_id, project_id, artifact_id, build_order, started_moment, started_at,
                             status, ended_moment, ended_at)
  select r.id, r.run, destination, project, r.artifact_id, a.build_order, moment_of(null, r.started_at), r.started_at,
         r.status, case when r.status <> 'RUNNING' then moment_of(null, r.completed_at) end,
         case when r.status <> 'RUNNING' then r.completed_at end
    from places p
    join releases r on r.destination_id = p.destination_id and r.project_id = p.project_id and r.mode = 'deploy'
                       and r.started_at >= coalesce(p.live_since, '-infinity')
    join artifacts a on a.id = r.artifact_id
   where p.destination_id = destination and p.project_id = project
     and r.status in ('RUNNING', 'FAILED', 'TIMED_OUT', 'CANCELLED')
     and moment_of(null, r.started_at) > p.live_moment
  on conflict do nothing;
  -- The periods of the last 90 days. `open_ids` has those that no older build followed, in the order of their builds; the last of
  -- them is live while `live` is set.
  delete from live_periods l where l.destination_id = destination and l.project_id = project;
  for e in select r.artifact_id, a.build_order, r.status, r.started_at, r.completed_at, u.ended_moment
             from releases r
             join artifacts a on a.id = r.artifact_id
             left join delivery_runs u on u.release_id = r.id and u.run = r.run
            where r.destination_id = destination and r.project_id = project and r.mode = 'deploy'
              and r.started_at > now() - interval '90 days'
            order by r.started_at, r.id loop
    if live is not null and live_order <> e.build_order then
      update live_periods set ended_at = e.started_at, ended_by = e.artifact_id where id = live;
      live := null;
    end if;
    while cardinality(open_ids) > 0 and open_orders[cardinality(open_orders)] > e.build_order loop
      update live_periods set outdated_at = e.started_at, outdated_by = e.artifact_id where id = open_ids[cardinality(open_ids)];
      open_ids := trim_array(open_ids, 1);
      open_orders := trim_array(open_orders, 1);
    end loop;
    if e.status = 'SUCCEEDED' and live is null then
      insert into live_periods (destination_id, project_id, artifact_id, build_order, began_at, began_moment)
      values (destination, project, e.artifact_id, e.build_order, e.completed_at,
              coalesce(e.ended_moment, moment_of(null, e.completed_at)))
      returning id into live;
      live_order := e.build_order;
      open_ids := open_ids || live;
      open_orders := open_orders || e.build_order;
    elsif e.status in ('FAILED', 'TIMED_OUT', 'CANCELLED') then
      while cardinality(open_ids) > 0 and open_orders[cardinality(open_orders)] = e.build_order loop
        update live_periods set ended_at = coalesce(ended_at, e.completed_at), outdated_at = e.completed_at
         where id = open_ids[cardinality(open_ids)];
        open_ids := trim_array(open_ids, 1);
        open_orders := trim_array(open_orders, 1);
      end loop;
      live := null;
    end if;
  end loop;
  -- A build that has been live for longer, with no delivery since.
  insert into live_periods (destination_id, project_id, artifact_id, build_order, began_at, began_moment)
  select destination, project, p.live_artifact_id, a.build_order, p.live_since, p.live_moment
    from places p join artifacts a on a.id = p.live_artifact_id
   where p.destination_id = destination and p.project_id = project
     and not exists (select from live_periods l where l.destination_id = destination and l.project_id = project)
     and not exists (select from releases r where r.destination_id = destination and r.project_id = project
                        and r.mode = 'deploy' and r.started_at > p.live_since);
end
$$;

do $$
declare
  place places_to_fill;
begin
  for place in select * from places_to_fill loop
    perform fill_place(place.destination_id, place.project_id);
    delete from places_to_fill f where f.destination_id = place.destination_id and f.project_id = place.project_id;
    commit;
  end loop;
end
$$;

drop function if exists fill_place(uuid, uuid);
drop table if exists places_to_fill;
drop index if exists releases_place;

-- What a receiver may still be at work on.
create index if not exists releases_occupying on releases (destination_id) where occupied_until is not null;

-- What these tables show is shown on the project's releases.
create or replace trigger note_change after insert or delete on delivery_runs for each row execute function note_project_change();
create or replace trigger note_update after update on delivery_runs
  for each row when (old.* is distinct from new.*) execute function note_project_change();
create or replace trigger note_change after insert or delete on places for each row execute function note_project_change();
create or replace trigger note_update after update on places
  for each row when (old.* is distinct from new.*) execute function note_project_change();
create or replace trigger note_change after insert or delete on live_periods for each row execute function note_project_change();
create or replace trigger note_update after update on live_periods
  for each row when (old.* is distinct from new.*) execute function note_project_change();
