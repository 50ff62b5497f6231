-- In steps: each paragraph is a transaction, because what locks two tables that servers use could stop requests, or be stopped by them.

-- The bytes of an upload's files, which a trigger counts, so that servers of the release before count them too.
alter table artifact_uploads
  add column if not exists bytes bigint not null default 0,
  add column if not exists files_removed_at timestamptz;

create or replace function count_file_bytes() returns trigger language plpgsql as $$
begin
  if tg_op = 'INSERT' then
    update artifact_uploads u set bytes = u.bytes + c.bytes
      from (select upload_id, sum(octet_length(content)) as bytes from added group by upload_id) c
     where u.id = c.upload_id;
  else
    update artifact_uploads u set bytes = u.bytes + c.bytes
      from (select upload_id, sum(bytes) as bytes
              from (select upload_id, octet_length(content) as bytes from added
                    union all select upload_id, -octet_length(content) from replaced) b
             group by upload_id) c
     where u.id = c.upload_id and c.bytes <> 0;
  end if;
  return null;
end
$$;
create or replace trigger count_inserted after insert on artifact_files
  referencing new table as added for each statement execute function count_file_bytes();
create or replace trigger count_updated after update on artifact_files
  referencing old table as replaced new table as added for each statement execute function count_file_bytes();

-- Of earlier uploads; those that are open are deleted within a day.
update artifact_uploads u
   set bytes = (select coalesce(sum(octet_length(f.content)), 0) from artifact_files f where f.upload_id = u.id)
 where artifact_id is not null and bytes = 0;

-- What each user has uploaded, by day in UTC.
create table if not exists uploaded_bytes (
  day date not null,
  user_id uuid not null references users (id) on delete cascade,
  bytes bigint not null,
  primary key (day, user_id)
);

-- The files of an organisation's artifacts.
create table if not exists stored_bytes (
  organisation_id uuid primary key references organisations (id) on delete cascade,
  bytes bigint not null
);

insert into stored_bytes (organisation_id, bytes)
select p.organisation_id, sum(u.bytes)
  from artifact_uploads u join artifacts a on a.id = u.artifact_id join projects p on p.id = a.project_id
 where u.bytes > 0 group by p.organisation_id
on conflict (organisation_id) do update set bytes = excluded.bytes;

-- A user's open uploads are those of the last day.
create index if not exists artifact_uploads_user_created on artifact_uploads (created_by, created_at);

drop index if exists artifact_uploads_user;

-- Files that may be removed some day.
create index if not exists artifact_uploads_kept on artifact_uploads (created_at, id)
  where artifact_id is not null and bytes > 0;

-- Days after which files of artifacts that are no longer needed are removed; null for the server's default.
alter table organisations add column if not exists file_retention_days integer
  check (file_retention_days between 1 and 3650);

