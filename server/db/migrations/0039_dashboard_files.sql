-- The built files of the dashboard whose names contain a digest: each server can answer those of other builds, whose pages are open in
-- browsers during and after an upgrade.
create table dashboard_files (
  path text primary key,
  content bytea not null,
  -- When a server that has the file last said so.
  seen_at timestamptz not null default now()
);
create index dashboard_files_seen on dashboard_files (seen_at);
