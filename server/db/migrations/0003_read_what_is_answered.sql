-- Lists that were read whole, or walked to their end, to answer a page: each now has an index in its order.

-- What waits for approvals is asked for over all projects of an organisation, oldest first. An index is of one table, so
-- the stage has its organisation; a project never moves to another.
alter table stages add column organisation_id uuid;
update stages s set organisation_id = p.organisation_id
  from release_intents i join projects p on p.id = i.project_id
 where i.id = s.release_intent_id;
alter table stages alter column organisation_id set not null;

-- A server of an earlier version, still running, writes stages without it.
create function stage_organisation() returns trigger language plpgsql as $$
begin
  select p.organisation_id into new.organisation_id
    from release_intents i join projects p on p.id = i.project_id
   where i.id = new.release_intent_id;
  return new;
end
$$;
create trigger stages_organisation before insert on stages
  for each row when (new.organisation_id is null) execute function stage_organisation();

-- It is what the list is in the order of.
alter table stages add constraint stages_waiting_since
  check (type <> 'deploy' or status <> 'AWAITING_APPROVAL' or queued_at is not null);
create index stages_waiting on stages (organisation_id, queued_at, release_intent_id, id)
  where type = 'deploy' and status = 'AWAITING_APPROVAL';

-- The history by one of its filters, newest first; and its ids by time, for the ends of a span.
create index history_kind on history (organisation_id, kind, id desc);
create index history_actor on history (organisation_id, actor_id, id desc);
create index history_at on history (organisation_id, at, id);

-- What a project last released to each destination.
create index releases_project on releases (project_id, destination_id, queued_at desc, id desc) where mode = 'deploy';
