-- Whether the answer about a release's requirements has changed is read from three numbers: of the release, of its project
-- and of its organisation. The database raises them in the transaction that changes what the answer shows, so that no server can
-- forget to, whatever its version.

create table change_numbers (
  -- A release intent, a project or an organisation. Without a row the number is 0.
  id uuid primary key,
  -- Grows with each change. Made from the time, so that it does not repeat after a restore from a backup.
  number bigint not null
);

-- What the current transaction has changed. Rows never outlive their transaction.
create unlogged table pending_changes (
  transaction xid8 not null default pg_current_xact_id(),
  -- 1: a release, 2: a project, 3: an organisation. Numbers are raised in this order, which rules out deadlocks.
  level smallint not null,
  id uuid not null,
  primary key (transaction, level, id)
);

-- Raises the numbers of all that the transaction changed, once, when it commits: the locks on them are the last it takes.
create function raise_change_numbers() returns trigger language plpgsql as $$
begin
  -- The first call has raised all of them; the others find their rows gone.
  perform from pending_changes p where p.transaction = new.transaction and p.level = new.level and p.id = new.id;
  if not found then
    return null;
  end if;
  with changed as (
    delete from pending_changes p where p.transaction = new.transaction returning p.level, p.id
  )
  insert into change_numbers as n (id, number)
  select c.id, (extract(epoch from clock_timestamp()) * 1000000)::bigint from changed c order by c.level, c.id
  on conflict (id) do update set number = greatest(n.number + 1, excluded.number);
  return null;
end
$$;
create constraint trigger raise_change_numbers after insert on pending_changes
  deferrable initially deferred for each row execute function raise_change_numbers();

create function note_changes(level smallint, ids uuid[]) returns void language sql as $$
  insert into pending_changes (level, id) select level, i.id from unnest(ids) as i (id) where i.id is not null
  on conflict do nothing
$$;

create function note_release_change() returns trigger language plpgsql as $$
begin
  perform note_changes(1::smallint, array[old.release_intent_id, new.release_intent_id]);
  return null;
end
$$;
create function note_intent_change() returns trigger language plpgsql as $$
begin
  perform note_changes(1::smallint, array[old.id, new.id]);
  return null;
end
$$;
create function note_project_change() returns trigger language plpgsql as $$
begin
  perform note_changes(2::smallint, array[old.project_id, new.project_id]);
  return null;
end
$$;
create function note_change_of_project() returns trigger language plpgsql as $$
begin
  perform note_changes(2::smallint, array[old.id, new.id]);
  return null;
end
$$;
create function note_organisation_change() returns trigger language plpgsql as $$
begin
  perform note_changes(3::smallint, array[old.organisation_id, new.organisation_id]);
  return null;
end
$$;

-- A delivery is shown on every release of its artifact. Its place in the queue is shown to all projects that use the
-- destination, so what enters or leaves a queue changes the organisation.
create function note_delivery_change() returns trigger language plpgsql as $$
begin
  perform note_changes(1::smallint, array[old.release_intent_id, new.release_intent_id]);
  perform note_changes(2::smallint, array[old.project_id, new.project_id]);
  if (old.status = 'QUEUED', old.destination_id, old.queued_at) is distinct from
     (new.status = 'QUEUED', new.destination_id, new.queued_at) then
    perform note_changes(3::smallint, array(
      select p.organisation_id from projects p where p.id in (old.project_id, new.project_id)));
  end if;
  return null;
end
$$;

-- Names of users are shown wherever they voted, asked or are members. They change so rarely that all organisations may notice.
create function note_user_change() returns trigger language plpgsql as $$
begin
  perform note_changes(3::smallint, array(select o.id from organisations o));
  return null;
end
$$;

-- Updates that change nothing shown (wake-ups, leases, passwords) raise nothing.
create trigger note_change after insert or delete on approval_decisions
  for each row execute function note_release_change();
create trigger note_update after update on approval_decisions
  for each row when (old.* is distinct from new.*) execute function note_release_change();

create trigger note_change after insert or delete on stages for each row execute function note_release_change();
create trigger note_update after update on stages
  for each row when (old.* is distinct from new.*) execute function note_release_change();

create trigger note_change after insert or delete on release_intents for each row execute function note_intent_change();
create trigger note_update after update on release_intents for each row when (
  (old.project_id, old.artifact_id, old.actor_id, old.force, old.prepare_only, old.status, old.error_message,
   old.created_at, old.completed_at) is distinct from
  (new.project_id, new.artifact_id, new.actor_id, new.force, new.prepare_only, new.status, new.error_message,
   new.created_at, new.completed_at)) execute function note_intent_change();

create trigger note_change after insert or delete on releases for each row execute function note_delivery_change();
create trigger note_update after update on releases for each row when (
  (old.release_intent_id, old.stage_id, old.project_id, old.artifact_id, old.destination_id, old.destination_name,
   old.environment, old.mode, old.status, old.error_message, old.attempt, old.queued_at, old.assigned_at, old.started_at,
   old.completed_at) is distinct from
  (new.release_intent_id, new.stage_id, new.project_id, new.artifact_id, new.destination_id, new.destination_name,
   new.environment, new.mode, new.status, new.error_message, new.attempt, new.queued_at, new.assigned_at, new.started_at,
   new.completed_at)) execute function note_delivery_change();

create trigger note_change after insert or delete on policies for each row execute function note_project_change();
create trigger note_update after update on policies
  for each row when (old.* is distinct from new.*) execute function note_project_change();

create trigger note_change after insert or delete on artifacts for each row execute function note_project_change();
create trigger note_update after update on artifacts
  for each row when (old.* is distinct from new.*) execute function note_project_change();

create trigger note_change after insert or delete on projects for each row execute function note_change_of_project();
create trigger note_update after update on projects
  for each row when (old.* is distinct from new.*) execute function note_change_of_project();

create trigger note_change after insert or delete on memberships for each row execute function note_organisation_change();
create trigger note_update after update on memberships
  for each row when (old.* is distinct from new.*) execute function note_organisation_change();

create trigger note_change after insert or delete on environments for each row execute function note_organisation_change();
create trigger note_update after update on environments
  for each row when (old.* is distinct from new.*) execute function note_organisation_change();

create trigger note_change after insert or delete on destinations for each row execute function note_organisation_change();
create trigger note_update after update on destinations
  for each row when (old.* is distinct from new.*) execute function note_organisation_change();

-- A new user is shown nowhere before they join, and is noticed then.
create trigger note_change after delete on users for each row execute function note_user_change();
create trigger note_update after update on users for each row when (
  (old.username, old.email, old.kind, old.organisation_id) is distinct from
  (new.username, new.email, new.kind, new.organisation_id)) execute function note_user_change();

-- The three numbers of a release, as one text.
create view release_change_numbers as
  select i.id as release_intent_id, i.project_id,
         concat_ws('.', coalesce(r.number, 0), coalesce(pn.number, 0), coalesce(o.number, 0)) as numbers
    from release_intents i
    join projects p on p.id = i.project_id
    left join change_numbers r on r.id = i.id
    left join change_numbers pn on pn.id = p.id
    left join change_numbers o on o.id = p.organisation_id;
