-- In steps: each paragraph is a transaction, because what locks two tables that servers use could stop requests, or be stopped by them.

-- Names differ by more than their case. Names that do not keep working, and no index could be unique over them: a trigger refuses
-- further ones. Those who choose the same name wait for each other. The first argument is the constraint that equal names violate,
-- which servers report; the second one narrows the rows that are compared, by the organisation $3.
create or replace function refuse_same_name() returns trigger language plpgsql as $$
declare
  scope uuid := (to_jsonb(new) ->> 'organisation_id')::uuid;
  taken text;
begin
  perform pg_advisory_xact_lock(hashtextextended(format('%s %s %s', tg_table_name, scope, lower(new.name)), 0));
  execute format('select name from %I where lower(name) = lower($1) and id <> $2 and %s order by name = $1 desc, name limit 1',
                 tg_table_name, tg_argv[1]) into taken using new.name, new.id, scope;
  if taken is not null then
    raise unique_violation using message = format('The name %s is taken (as %s)', new.name, taken),
      hint = case when taken = new.name then '' else taken end, constraint = tg_argv[0], table = tg_table_name;
  end if;
  return new;
end
$$;

create index if not exists organisations_same_name on organisations (lower(name));

create or replace trigger refuse_same_name before insert or update of name on organisations
  for each row execute function refuse_same_name('organisations_name_key', '$3 is null');

create index if not exists projects_same_name on projects (organisation_id, lower(name));

create or replace trigger refuse_same_name before insert or update of name on projects
  for each row execute function refuse_same_name('projects_organisation_id_name_key', 'organisation_id = $3');

create index if not exists environments_same_name on environments (organisation_id, lower(name));

create or replace trigger refuse_same_name before insert or update of name on environments
  for each row execute function refuse_same_name('environments_organisation_id_name_key', 'organisation_id = $3');

create index if not exists destinations_same_name on destinations (organisation_id, lower(name)) where deleted_at is null;

create or replace trigger refuse_same_name before insert or update of name on destinations
  for each row execute function refuse_same_name('destinations_name', 'organisation_id = $3 and deleted_at is null');

do $$
declare
  same record;
begin
  for same in
    select 'organisations' as what, string_agg(name, ', ' order by name) as names
      from organisations group by lower(name) having count(*) > 1
     union all
    select 'projects of ' || o.name, string_agg(n.name, ', ' order by n.name)
      from projects n join organisations o on o.id = n.organisation_id group by o.name, lower(n.name) having count(*) > 1
     union all
    select 'environments of ' || o.name, string_agg(n.name, ', ' order by n.name)
      from environments n join organisations o on o.id = n.organisation_id group by o.name, lower(n.name) having count(*) > 1
     union all
    select 'destinations of ' || o.name, string_agg(n.name, ', ' order by n.name)
      from destinations n join organisations o on o.id = n.organisation_id
     where n.deleted_at is null group by o.name, lower(n.name) having count(*) > 1
     order by 1, 2
  loop
    raise warning 'the names of % differ by case alone: %; they keep working, and no further one can be added', same.what, same.names;
  end loop;
end
$$;

-- Who created a service account's token; null for other credentials, and where the history does not tell. Without a reference, which
-- would lock the users too.
alter table credentials add column if not exists created_by uuid;

create index if not exists credentials_created_by on credentials (created_by) where created_by is not null;

update credentials c set created_by = h.actor_id
  from users u
  join history h on h.organisation_id = u.organisation_id and h.kind = 'service_account.token_created'
 where u.id = c.user_id and u.kind = 'service' and c.kind = 'service' and c.created_by is null
   and h.after ->> 'token_id' = c.id::text;
