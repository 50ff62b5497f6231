-- In steps: each paragraph is a transaction, because what locks two tables that servers use could stop requests, or be stopped by them.

-- Who cannot approve a build: who annotated it, and every user whom its source named then. Later changes of usernames and addresses
-- take nobody off.
create table if not exists artifact_authors (
  artifact_id uuid not null references artifacts (id) on delete cascade,
  user_id uuid not null references users (id) on delete cascade,
  primary key (artifact_id, user_id)
);

-- Addresses in a person's commits, beside the address of the account. Several people may list the same one.
create table if not exists commit_addresses (
  user_id uuid not null references users (id) on delete cascade,
  address text not null,
  created_at timestamptz not null
);
create unique index if not exists commit_addresses_own on commit_addresses (user_id, lower(address));
create index if not exists commit_addresses_address on commit_addresses (lower(address));

-- Whether the source adds authors: that of a person's session or login does not.
alter table artifacts add column if not exists source_names boolean not null default true;

-- The texts by which a source can name somebody, in lower case: as a whole, and the address of `Name <address>`.
create or replace function source_texts(a artifacts) returns text[] language sql immutable as $$
  select array[lower(btrim(a.source_user)), lower(btrim(a.source_email)),
               lower(substring(a.source_user from '<\s*([^<>]*?)\s*>\s*$')),
               lower(substring(a.source_email from '<\s*([^<>]*?)\s*>\s*$'))]
$$;

-- The users whom an artifact's source names now: by id, username or address.
create or replace function source_users(a artifacts) returns setof uuid language sql stable as $$
  select u.id from users u where u.id = a.source_user_id
  union
  select u.id from users u where u.kind = 'person' and lower(u.username) = any (source_texts(a))
  union
  select u.id from users u where u.email is not null and lower(u.email) = any (source_texts(a))
  union
  select c.user_id from commit_addresses c where lower(c.address) = any (source_texts(a))
$$;

-- The authors of every release of an artifact, whether they are members or not.
create or replace function authors_of(a artifacts) returns setof uuid language sql stable as $$
  select user_id from artifact_authors where artifact_id = a.id
  union
  select n.user_id from source_users(a) as n (user_id) where a.source_names
$$;

-- Whether the source names a member or a service account of the organisation.
create or replace function knows_source(a artifacts) returns boolean language sql stable as $$
  select exists (select from projects p join caller_roles r on r.organisation_id = p.organisation_id
                  where p.id = a.project_id
                    and r.user_id in (select source_users(a)
                                      union select user_id from artifact_authors
                                             where artifact_id = a.id and user_id <> a.created_by))
      or exists (select from projects p join users u on u.organisation_id = p.organisation_id
                  where p.id = a.project_id and u.kind = 'service' and lower(u.username) = any (source_texts(a)))
$$;

create or replace function store_authors() returns trigger language plpgsql as $$
begin
  insert into artifact_authors (artifact_id, user_id)
  select new.id, new.created_by union select new.id, n.user_id from source_users(new) as n (user_id) where new.source_names;
  return null;
end
$$;

create or replace trigger artifacts_authors after insert on artifacts for each row execute function store_authors();

-- The members who are authors of every release of an artifact.
create or replace view artifact_source_members as
  select a.id as artifact_id, n.id as user_id, n.username
    from artifacts a
    join projects p on p.id = a.project_id
    cross join lateral authors_of(a) as w (user_id)
    join users n on n.id = w.user_id
    join memberships m on m.organisation_id = p.organisation_id and m.user_id = n.id;

-- The authors of a release: who requested it, who annotated the artifact, and the members whom its source names.
create or replace view release_authors as
  select i.id as release_intent_id, n.id as user_id, n.username
    from release_intents i
    join artifacts a on a.id = i.artifact_id
    join projects p on p.id = i.project_id
    cross join lateral (select i.actor_id union select * from authors_of(a)) as w (user_id)
    join users n on n.id = w.user_id
   where n.id in (i.actor_id, a.created_by) or (a.source_names and n.id = a.source_user_id)
      or exists (select from memberships m where m.organisation_id = p.organisation_id and m.user_id = n.id);

-- A commit address makes its owner an author in all of their organisations.
create or replace function note_address_change() returns trigger language plpgsql as $$
begin
  perform note_changes(3::smallint, array(
    select m.organisation_id from memberships m where m.user_id in (old.user_id, new.user_id)));
  return null;
end
$$;

create or replace trigger note_change after insert or delete on commit_addresses for each row execute function note_address_change();
