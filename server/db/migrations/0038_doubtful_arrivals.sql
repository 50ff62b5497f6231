-- In steps: each paragraph is a transaction.

-- Builds that went live while it was uncertain what the place runs. They have no period, so they do not soak, and a
-- rollback does not return to them. Approvals for older builds of other branches no longer count after them, also when another build is
-- live by now.
create table if not exists doubtful_arrivals (
  id bigint generated always as identity primary key,
  destination_id uuid not null references destinations (id),
  project_id uuid not null references projects (id) on delete cascade,
  artifact_id uuid not null references artifacts (id) on delete cascade,
  build_order bigint not null,
  moment bigint not null
);
create index if not exists doubtful_arrivals_place on doubtful_arrivals (destination_id, project_id, build_order);
create index if not exists doubtful_arrivals_artifact on doubtful_arrivals (artifact_id);

-- As before, and it keeps doubtful arrivals.
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
    if artifact is not null then
      insert into doubtful_arrivals (destination_id, project_id, artifact_id, build_order, moment)
      values (destination, project, artifact, by_order, now_moment);
    end if;
  elsif artifact is not null
        and not exists (select from live_periods l
                         where l.destination_id = destination and l.project_id = project and l.build_order = by_order
                           and l.ended_at is null) then
    insert into live_periods (destination_id, project_id, artifact_id, build_order, began_at, began_moment)
    values (destination, project, artifact, by_order, at, now_moment);
  end if;
end
$$;

-- Those that are known: late reports of success, and live builds that are uncertain.
insert into doubtful_arrivals (destination_id, project_id, artifact_id, build_order, moment)
select r.destination_id, r.project_id, r.artifact_id, r.build_order, moment_of(null, r.late_reported_at)
  from delivery_runs r
 where r.late_status = 'SUCCEEDED'
union all
select p.destination_id, p.project_id, p.live_artifact_id, a.build_order, p.live_moment
  from places p join artifacts a on a.id = p.live_artifact_id
 where p.doubt is not null;

-- When builds went live.
create or replace view arrivals as
  select destination_id, project_id, artifact_id, build_order, began_moment as moment from live_periods
  union all
  select destination_id, project_id, artifact_id, build_order, moment from doubtful_arrivals;

-- As before, with doubtful arrivals.
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
                   'otherNewer', (select json_build_object('slug', b.slug, 'branch', b.branch, 'moment', l.moment)
                                    from arrivals l join artifacts b on b.id = l.artifact_id
                                   where l.destination_id = q.destination_id and l.project_id = a.project_id
                                     and l.build_order > a.build_order and b.branch <> a.branch
                                   order by l.moment desc limit 1))
                   order by q.destination_name), '[]')
            from place_states q where q.project_id = a.project_id and q.environment = e.name) as places
    from artifacts a
    join projects p on p.id = a.project_id
    join environments e on e.organisation_id = p.organisation_id;

-- As before, with doubtful arrivals.
create or replace function approvals_renewed(intent uuid, environment text) returns bigint language sql stable as $$
  select greatest(
    (select max(h.began_moment) from holds h
      where h.project_id = i.project_id and h.environment = approvals_renewed.environment and h.release_intent_id <> i.id),
    (select max(l.moment)
       from environments e
       join destinations d on d.environment_id = e.id and d.deleted_at is null
       join arrivals l on l.destination_id = d.id and l.project_id = i.project_id and l.build_order > a.build_order
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
