-- In steps: each paragraph is a transaction, because what locks two tables that servers use could stop requests, or be stopped by them.

-- A delivery that is cancelled or times out after it was sent occupies its destination for the grace period, because its receiver
-- may still be at work. Here, because servers of the version before cancel too during an upgrade.
create or replace function occupy_destination() returns trigger language plpgsql as $$
begin
  select nullif(new.completed_at + make_interval(secs => coalesce(d.grace_period_seconds,
                  case new.status when 'CANCELLED' then 300 else 60 end)), new.completed_at)
    into new.occupied_until
    from destinations d where d.id = new.destination_id;
  return new;
end
$$;

create or replace trigger releases_occupy before update on releases
  for each row when (old.status = 'RUNNING' and new.status in ('CANCELLED', 'TIMED_OUT') and new.mode = 'deploy')
  execute function occupy_destination();

-- One delivery at a time on a destination, those that occupy it included. Built before the old index is dropped, to lock only briefly.
create unique index if not exists releases_one_delivery on releases (destination_id)
  where status in ('ASSIGNED', 'RUNNING') or occupied_until is not null;

drop index if exists releases_one_running;
alter index releases_one_delivery rename to releases_one_running;
