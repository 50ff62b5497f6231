-- In steps: each paragraph is a transaction, because what locks two tables that servers use could stop requests, or be stopped by them.

-- During a rolling upgrade servers of two versions share this database, and only the newest may decide what is deployed. A transaction
-- that decides names the version of the gate's rules that it applies (the setting `forage.gate_rules`, set with the intent's lock).
-- Each migration that changes the rules replaces this function.
create or replace function gate_rules_version() returns integer language sql immutable as 'select 2';

create or replace function applies_current_rules() returns boolean language sql stable as $$
  select coalesce(nullif(current_setting('forage.gate_rules', true), '')::integer, 0) >= gate_rules_version()
$$;

-- Servers of an older version start nothing: their releases stay in the queue until a current server takes them.
create or replace function start_by_current_rules() returns trigger language plpgsql as $$
begin
  if not applies_current_rules() then
    raise exception 'a release cannot be started by older rules of the gate' using errcode = 'FG003';
  end if;
  return new;
end
$$;

create or replace trigger releases_start_by_current_rules before update on releases
  for each row when (old.status = 'QUEUED' and new.status in ('ASSIGNED', 'RUNNING', 'SUCCEEDED'))
  execute function start_by_current_rules();

-- Their evaluations do not count as seen, so that a current server evaluates the same facts again.
create or replace function seen_by_current_rules() returns trigger language plpgsql as $$
begin
  if new.status = 'ACTIVE' and not applies_current_rules() then
    new.seen_generation := old.seen_generation;
  end if;
  return new;
end
$$;

create or replace trigger release_intents_seen_by_current_rules before update on release_intents
  for each row when (new.seen_generation > old.seen_generation) execute function seen_by_current_rules();
