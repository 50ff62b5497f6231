-- How an environment kept the builds of a project: of those that went live there in 14 days and have had the time since, how many were
-- live on all its destinations for so many seconds without interruption.
create function soak_record(project uuid, environment text, seconds double precision, newer_builds_count boolean, at timestamptz,
                            out builds int, out kept int) language sql stable as $$
  with destination as (
    select d.id from projects p
      join environments e on e.organisation_id = p.organisation_id and e.name = environment
      join destinations d on d.environment_id = e.id and d.deleted_at is null
     where p.id = project
  ), build as (
    select count(distinct l.destination_id)
             filter (where coalesce(case when newer_builds_count then l.outdated_at else l.ended_at end, at) - l.began_at
                           >= make_interval(secs => seconds)) = (select count(*) from destination) as is_kept
      from live_periods l
      join destination d on d.id = l.destination_id
     where l.project_id = project
       and l.began_at between at - interval '14 days' - make_interval(secs => seconds) and at - make_interval(secs => seconds)
     group by l.build_order
  )
  select count(*)::int, (count(*) filter (where is_kept))::int from build
$$;

create index live_periods_began on live_periods (destination_id, project_id, began_at);

-- The environments on hold, for the metrics.
create index holds_open on holds (project_id, environment) where ended_at is null;
