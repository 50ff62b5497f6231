-- Service accounts are users that are no people: they belong to one organisation, never sign in, and are never members. In
-- one table with people, because whatever somebody did is told of them alike. A deleted one stays, for its history's sake.
alter table users
  add column kind text not null default 'person' check (kind in ('person', 'service')),
  add column organisation_id uuid references organisations (id) on delete cascade,
  add column deleted_at timestamptz,
  add constraint users_service check ((kind = 'service') = (organisation_id is not null)),
  add constraint users_service_signs_in_never check (kind = 'person' or (password_hash is null and email is null)),
  add constraint users_person_stays check (kind = 'service' or deleted_at is null);
drop index users_username;
create unique index users_username on users (lower(username)) where kind = 'person';
create unique index users_service on users (organisation_id, lower(username)) where kind = 'service' and deleted_at is null;

create function memberships_are_for_people() returns trigger language plpgsql as $$
begin
  if exists (select 1 from users where id = new.user_id and kind <> 'person') then
    raise exception 'a service account cannot be a member';
  end if;
  return new;
end
$$;
create trigger memberships_for_people before insert or update of user_id on memberships
  for each row execute function memberships_are_for_people();

-- Their tokens.
alter table credentials drop constraint credentials_kind_check;
alter table credentials add constraint credentials_kind_check
  check (kind in ('session', 'access', 'refresh', 'personal', 'set_up', 'service'));

-- Whom the source of an artifact names is an author of its releases, so who that is may not change afterwards.
create function artifact_source_is_fixed() returns trigger language plpgsql as $$
begin
  raise exception 'the source of an artifact never changes';
end
$$;
create trigger artifacts_source_is_fixed before update on artifacts for each row
  when ((old.source_user, old.source_email, old.source_user_id, old.created_by)
        is distinct from (new.source_user, new.source_email, new.source_user_id, new.created_by))
  execute function artifact_source_is_fixed();
