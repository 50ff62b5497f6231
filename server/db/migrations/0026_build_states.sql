-- In steps: each paragraph is a transaction, because what locks two tables that servers use could stop requests, or be stopped by them.

-- What lists say of builds at destinations.

create index if not exists releases_open on releases (destination_id, queued_at, id)
  where status in ('QUEUED', 'ASSIGNED', 'RUNNING') or occupied_until is not null;

-- The deliveries of all projects that run at a destination, still occupy it or wait in its queue, in that order; the first 25.
create or replace view destination_queues as
  select d.id as destination_id,
         (select coalesce(json_agg(json_build_object('releaseId', r.id, 'intentId', r.release_intent_id,
                   'artifactId', r.artifact_id, 'slug', a.slug, 'status', r.status, 'startedAt', r.started_at,
                   'project', p.name, 'queuePosition', case when r.status = 'QUEUED' then r.position else 0 end)
                   order by r.status = 'QUEUED', r.queued_at, r.id), '[]')
            from (select o.*, count(*) filter (where o.status = 'QUEUED') over (order by o.queued_at, o.id) as position
                    from releases o
                   where o.destination_id = d.id
                     and (o.status in ('QUEUED', 'ASSIGNED', 'RUNNING') or o.occupied_until is not null)
                   order by o.status = 'QUEUED', o.queued_at, o.id limit 25) r
            join artifacts a on a.id = r.artifact_id
            join projects p on p.id = r.project_id
           where r.mode = 'deploy') as in_flight
    from destinations d;

-- As before, with what the receiver reported after the server had decided the end.
create or replace view delivery_states as
  select r.id as "releaseId", r.artifact_id as "artifactId", a.slug, r.release_intent_id as "intentId",
         r.stage_id as "stageId", r.status, r.error_message as "errorMessage", r.queued_at as "queuedAt",
         r.assigned_at as "assignedAt", r.started_at as "startedAt", r.completed_at as "completedAt",
         case when r.status = 'QUEUED' then (
           select count(*)::int from releases q
            where q.destination_id = r.destination_id and q.status = 'QUEUED'
              and (q.queued_at, q.id) <= (r.queued_at, r.id)
         ) end as "queuePosition",
         (select u.late_status from delivery_runs u where u.release_id = r.id and u.run = r.run) as "lateStatus"
    from releases r
    join artifacts a on a.id = r.artifact_id;

-- The deliveries of each build to each destination of its organisation: those that have not ended, and the last.
create or replace view build_attempts as
  select a.id as artifact_id, d.id as destination_id,
         array(select distinct o.status from releases o
                where o.destination_id = d.id and o.artifact_id = a.id and o.mode = 'deploy'
                  and o.status in ('QUEUED', 'ASSIGNED', 'RUNNING')) as open,
         exists (select from releases s
                  where s.artifact_id = a.id and s.destination_id = d.id and s.mode = 'deploy' and s.status = 'SUCCEEDED')
         or exists (select from live_periods l where l.artifact_id = a.id and l.destination_id = d.id) as was_live,
         (select l.id from releases l
           where l.artifact_id = a.id and l.destination_id = d.id and l.mode = 'deploy'
           order by l.queued_at desc, l.id desc limit 1) as last_release_id
    from artifacts a
    join projects p on p.id = a.project_id
    join destinations d on d.organisation_id = p.organisation_id;

-- As before; what occupies a destination is shown to all projects that use it, like its queue.
create or replace function note_delivery_change() returns trigger language plpgsql as $$
begin
  perform note_changes(1::smallint, array[old.release_intent_id, new.release_intent_id]);
  perform note_changes(2::smallint, array[old.project_id, new.project_id]);
  if (case when old.status in ('QUEUED', 'ASSIGNED', 'RUNNING') or old.occupied_until is not null then old.status end,
      old.destination_id, old.queued_at, old.started_at) is distinct from
     (case when new.status in ('QUEUED', 'ASSIGNED', 'RUNNING') or new.occupied_until is not null then new.status end,
      new.destination_id, new.queued_at, new.started_at) then
    perform note_changes(3::smallint, array(
      select p.organisation_id from projects p where p.id in (old.project_id, new.project_id)));
  end if;
  return null;
end
$$;

create or replace trigger note_update after update on releases for each row when (
  (old.release_intent_id, old.stage_id, old.project_id, old.artifact_id, old.destination_id, old.destination_name,
   old.environment, old.mode, old.status, old.error_message, old.attempt, old.queued_at, old.assigned_at, old.started_at,
   old.completed_at, old.run, old.occupied_until) is distinct from
  (new.release_intent_id, new.stage_id, new.project_id, new.artifact_id, new.destination_id, new.destination_name,
   new.environment, new.mode, new.status, new.error_message, new.attempt, new.queued_at, new.assigned_at, new.started_at,
   new.completed_at, new.run, new.occupied_until)) execute function note_delivery_change();
