-- In steps: each paragraph is a transaction, because what locks two tables that servers use could stop requests, or be stopped by them.

-- Before and after are judged by one sequence, because the clocks of servers differ: it numbers annotations, requests, votes,
-- starts and ends of deliveries, new members and admins. It starts at the present time in microseconds, so that rows from before have
-- a moment too: their time.
create sequence if not exists moments as bigint;
-- The server may run with a role that owns nothing (docs/postgresql.md).
grant usage on sequence moments to public;
select setval('moments', greatest((select last_value from moments), (extract(epoch from clock_timestamp()) * 1000000)::bigint));

create or replace function moment_of(moment bigint, at timestamptz) returns bigint language sql immutable as $$
  select coalesce(moment, (extract(epoch from at) * 1000000)::bigint)
$$;

alter table artifacts add column if not exists moment bigint, add column if not exists build_order bigint;
alter table artifacts alter column moment set default nextval('moments');

alter table release_intents add column if not exists moment bigint;
alter table release_intents alter column moment set default nextval('moments');

alter table memberships add column if not exists moment bigint, add column if not exists admin_moment bigint;
alter table memberships alter column moment set default nextval('moments');

alter table approval_decisions add column if not exists moment bigint;

create or replace function set_admin_moment() returns trigger language plpgsql as $$
begin
  new.admin_moment := case when new.role = 'admin' then nextval('moments') end;
  return new;
end
$$;

create or replace trigger memberships_admin_moment before insert on memberships
  for each row when (new.admin_moment is null) execute function set_admin_moment();
create or replace trigger memberships_admin_moment_update before update on memberships
  for each row when (old.role is distinct from new.role) execute function set_admin_moment();

-- A vote that replaces another one is given now.
create or replace function set_vote_moment() returns trigger language plpgsql as $$
begin
  new.moment := nextval('moments');
  return new;
end
$$;

create or replace trigger approval_decisions_moment before insert on approval_decisions
  for each row when (new.moment is null) execute function set_vote_moment();
create or replace trigger approval_decisions_moment_update before update on approval_decisions
  for each row when ((old.decision, old.bypass, old.comment, old.created_at) is distinct from
                     (new.decision, new.bypass, new.comment, new.created_at)) execute function set_vote_moment();

-- Builds of a project are ordered by the first annotation of their commit: a repeated build of an old commit is no newer.
create or replace function set_build_order() returns trigger language plpgsql as $$
begin
  -- Two annotations of one new commit at the same time get one order.
  perform pg_advisory_xact_lock(hashtextextended(new.project_id || ' ' || new.commit_sha, 0));
  new.build_order := coalesce(
    (select min(coalesce(a.build_order, moment_of(a.moment, a.created_at)))
       from artifacts a where a.project_id = new.project_id and a.commit_sha = new.commit_sha),
    new.moment);
  return new;
end
$$;

create or replace trigger artifacts_build_order before insert on artifacts
  for each row when (new.build_order is null) execute function set_build_order();
