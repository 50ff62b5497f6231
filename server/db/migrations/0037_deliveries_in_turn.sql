-- In steps: each paragraph is a transaction, because what locks two tables that servers use could stop requests, or be stopped by them.

-- What is queued in an organisation, for a release that says what it waits for.
create index if not exists releases_queued on releases (project_id, queued_at) where status = 'QUEUED';

-- Leases are renewed every second, in thousands: without lease_until in an index, and with room on the page, that writes no index.
-- By project, because a release that is queued says how many deliveries of its organisation are under way.
create index if not exists releases_delivering on releases (project_id) where status in ('ASSIGNED', 'RUNNING');

drop index if exists releases_in_flight;

alter table releases set (fillfactor = 45);

-- A stage that is held, or goes on, changes how many deliveries are ahead of others in its organisation.
create or replace trigger note_queue after update on stages for each row
  when ((old.status = 'ACTIVE') <> (new.status = 'ACTIVE') and new.status in ('PENDING', 'AWAITING_APPROVAL', 'ACTIVE'))
  execute function note_organisation_change();
