-- In steps: fills the order of the builds from before, a few at a time, because requests lock artifacts.

create index if not exists artifacts_commit on artifacts (project_id, commit_sha);

do $$
declare
  low uuid := '00000000-0000-0000-0000-000000000000';
  high uuid;
begin
  loop
    select b.id into high from (select id from artifacts where id > low order by id limit 1000) b order by b.id desc limit 1;
    exit when high is null;
    update artifacts a
       set build_order = (select min(moment_of(f.moment, f.created_at))
                            from artifacts f where f.project_id = a.project_id and f.commit_sha = a.commit_sha)
     where a.id > low and a.id <= high and a.build_order is null;
    commit;
    low := high;
  end loop;
end
$$;

create index if not exists artifacts_order on artifacts (project_id, build_order desc, id);
