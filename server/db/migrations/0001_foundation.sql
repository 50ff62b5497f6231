-- Forage's tables. Ids are UUIDs (version 7, made by the server); times are UTC.
-- Environments are named by text wherever a rule or a stage speaks of one: their names never change.

create table organisations (
  id uuid primary key,
  name text not null unique,
  created_at timestamptz not null
);

create table users (
  id uuid primary key,
  username text not null,
  email text,
  password_hash text,
  profile_picture_url text,
  created_at timestamptz not null,
  updated_at timestamptz not null
);
create unique index users_username on users (lower(username));
create unique index users_email on users (lower(email)) where email is not null;

create table memberships (
  organisation_id uuid not null references organisations (id) on delete cascade,
  user_id uuid not null references users (id) on delete cascade,
  role text not null check (role in ('member', 'admin')),
  joined_at timestamptz not null,
  primary key (organisation_id, user_id)
);
create index memberships_user on memberships (user_id);

-- Everything that proves who is calling: browser sessions, the access and refresh tokens of a login, personal access
-- tokens, and the one-time set-up token (which has no user). Only the SHA-256 of a secret is kept.
create table credentials (
  id uuid primary key,
  kind text not null check (kind in ('session', 'access', 'refresh', 'personal', 'set_up')),
  user_id uuid references users (id) on delete cascade check ((user_id is null) = (kind = 'set_up')),
  secret_hash bytea not null unique,
  -- The login that access and refresh tokens come from: refreshing and logging out end the whole family.
  family_id uuid not null,
  name text not null default '',
  scopes text[] not null default '{}',
  created_at timestamptz not null,
  expires_at timestamptz,
  last_used_at timestamptz,
  revoked_at timestamptz
);
create index credentials_user on credentials (user_id, kind);
create index credentials_family on credentials (family_id);

create table projects (
  id uuid primary key,
  organisation_id uuid not null references organisations (id) on delete cascade,
  name text not null,
  readme text not null default '',
  description text not null default '',
  git_url text not null default '',
  homepage text not null default '',
  docs_url text not null default '',
  support_url text not null default '',
  domain text not null default '',
  owner text not null default '',
  created_at timestamptz not null,
  unique (organisation_id, name)
);

create table environments (
  id uuid primary key,
  organisation_id uuid not null references organisations (id) on delete cascade,
  name text not null,
  description text,
  sort_order integer not null default 0,
  created_at timestamptz not null,
  unique (organisation_id, name)
);

create table destinations (
  id uuid primary key,
  organisation_id uuid not null references organisations (id) on delete cascade,
  -- Null only once retired: an environment can be deleted when its last living destination is gone.
  environment_id uuid references environments (id) on delete set null,
  name text not null,
  type_organisation text not null,
  type_name text not null,
  type_version bigint not null,
  metadata jsonb not null default '{}',
  created_at timestamptz not null,
  -- A destination that releases were made to is retired, not deleted: what happened stays readable.
  deleted_at timestamptz,
  check (environment_id is not null or deleted_at is not null)
);
create unique index destinations_name on destinations (organisation_id, name) where deleted_at is null;
create index destinations_environment on destinations (environment_id) where deleted_at is null;

create table artifacts (
  id uuid primary key,
  project_id uuid not null references projects (id) on delete cascade,
  slug text not null unique,
  title text not null,
  description text,
  web text,
  pr text,
  commit_sha text not null,
  branch text,
  commit_message text,
  version text,
  repo_url text,
  source_user text,
  source_email text,
  source_type text,
  source_run_url text,
  source_user_id uuid references users (id) on delete set null,
  metadata jsonb not null default '{}',
  created_by uuid not null references users (id),
  created_at timestamptz not null
);
create index artifacts_project on artifacts (project_id, created_at desc, id desc);

-- Files that a client uploaded before it annotated their artifact.
create table artifact_uploads (
  id uuid primary key,
  -- Set when the upload is committed: the id that AnnotateRelease then takes.
  artifact_id uuid unique,
  created_by uuid not null references users (id),
  created_at timestamptz not null
);

create table artifact_files (
  id uuid primary key,
  upload_id uuid not null references artifact_uploads (id) on delete cascade,
  env text not null,
  destination text not null,
  file_name text not null,
  category text not null,
  content text not null,
  unique (upload_id, env, destination, category, file_name)
);

create table policies (
  id uuid primary key,
  project_id uuid not null references projects (id) on delete cascade,
  name text not null,
  enabled boolean not null default true,
  type text not null,
  -- Beside the config, so that a config nobody can read still blocks the right environment.
  target_environment text not null,
  config jsonb not null,
  created_at timestamptz not null,
  updated_at timestamptz not null,
  unique (project_id, name)
);
create index policies_target on policies (project_id, target_environment) where enabled;

create table release_pipelines (
  id uuid primary key,
  project_id uuid not null references projects (id) on delete cascade,
  name text not null,
  enabled boolean not null default true,
  stages jsonb not null,
  created_at timestamptz not null,
  updated_at timestamptz not null,
  unique (project_id, name)
);

create table release_intents (
  id uuid primary key,
  project_id uuid not null references projects (id) on delete cascade,
  artifact_id uuid not null references artifacts (id) on delete cascade,
  actor_id uuid not null references users (id),
  -- The pipeline's name when it was copied; null for a direct release.
  pipeline text,
  force boolean not null default false,
  prepare_only boolean not null default false,
  status text not null default 'ACTIVE' check (status in ('ACTIVE', 'SUCCEEDED', 'FAILED', 'CANCELLED')),
  error_message text,
  -- Raised by every transaction that changes a fact of the intent; `evaluate` stores the one that it has seen.
  wanted_generation bigint not null default 1,
  seen_generation bigint not null default 0,
  -- When a soak or a wait is due; null when time alone changes nothing.
  next_check_at timestamptz,
  created_at timestamptz not null,
  completed_at timestamptz
);
create index release_intents_behind on release_intents (id) where status = 'ACTIVE' and seen_generation < wanted_generation;
create index release_intents_due on release_intents (next_check_at) where status = 'ACTIVE' and next_check_at is not null;
create index release_intents_artifact on release_intents (artifact_id, created_at desc, id desc);
create index release_intents_project on release_intents (project_id, created_at desc, id desc);
create index release_intents_active on release_intents (project_id) where status = 'ACTIVE';
create unique index release_intents_one_pipeline on release_intents (artifact_id)
  where status = 'ACTIVE' and pipeline is not null;

create table stages (
  release_intent_id uuid not null references release_intents (id) on delete cascade,
  id text not null,
  position integer not null,
  type text not null check (type in ('deploy', 'wait', 'plan')),
  depends_on text[] not null default '{}',
  environment text check ((environment is null) = (type = 'wait')),
  duration_seconds bigint check ((duration_seconds is null) = (type <> 'wait')),
  auto_approve boolean not null default false,
  -- Destinations that a direct release was narrowed to; null means all of the environment.
  only_destinations text[],
  status text not null default 'PENDING'
    check (status in ('PENDING', 'ACTIVE', 'SUCCEEDED', 'FAILED', 'CANCELLED', 'AWAITING_APPROVAL')),
  reason text,
  error_message text,
  queued_at timestamptz,
  started_at timestamptz,
  completed_at timestamptz,
  wait_until timestamptz,
  next_check_at timestamptz,
  plan_approval text check (plan_approval in ('AWAITING', 'APPROVED', 'REJECTED')),
  primary key (release_intent_id, id)
);

create table releases (
  id uuid primary key,
  release_intent_id uuid not null,
  stage_id text not null,
  project_id uuid not null references projects (id) on delete cascade,
  artifact_id uuid not null references artifacts (id) on delete cascade,
  destination_id uuid not null references destinations (id),
  destination_name text not null,
  environment text not null,
  mode text not null check (mode in ('deploy', 'plan')),
  status text not null default 'QUEUED'
    check (status in ('QUEUED', 'ASSIGNED', 'RUNNING', 'SUCCEEDED', 'FAILED', 'TIMED_OUT', 'CANCELLED')),
  error_message text,
  plan_output text,
  attempt integer not null default 0,
  -- While a server works on the delivery it renews its lease; a lease that ran out is taken over.
  lease_owner uuid,
  lease_until timestamptz,
  -- When a running release counts as timed out.
  deadline_at timestamptz,
  queued_at timestamptz not null,
  assigned_at timestamptz,
  started_at timestamptz,
  completed_at timestamptz,
  foreign key (release_intent_id, stage_id) references stages (release_intent_id, id) on delete cascade,
  -- A destination is deployed to once per stage.
  unique (release_intent_id, stage_id, destination_id)
);
-- A destination runs one release at a time.
create unique index releases_one_running on releases (destination_id) where status in ('ASSIGNED', 'RUNNING');
create index releases_queue on releases (destination_id, queued_at, id) where status = 'QUEUED';
create index releases_in_flight on releases (lease_until) where status in ('ASSIGNED', 'RUNNING');
create index releases_succeeded on releases (artifact_id, destination_id, completed_at desc)
  where status = 'SUCCEEDED' and mode = 'deploy';
create index releases_latest on releases (destination_id, queued_at desc, id desc) where mode = 'deploy';

create index releases_artifact on releases (artifact_id, destination_id, queued_at desc, id desc) where mode = 'deploy';

-- With these a destination reports the outcome: the SHA-256 of each attempt's token. An attempt that was taken over
-- leaves its token valid, because a receiver that drops doubled requests goes on reporting with the first one.
create table release_report_tokens (
  token_hash bytea primary key,
  release_id uuid not null references releases (id) on delete cascade
);
create index release_report_tokens_release on release_report_tokens (release_id);

create table release_logs (
  id bigint generated always as identity primary key,
  release_id uuid not null references releases (id) on delete cascade,
  at timestamptz not null,
  channel text not null check (channel in ('stdout', 'stderr')),
  line text not null
);
create index release_logs_release on release_logs (release_id, id);

create table approval_decisions (
  id uuid primary key default gen_random_uuid(),
  release_intent_id uuid not null references release_intents (id) on delete cascade,
  -- The policy that asked for the vote. Deleting the policy deletes no vote.
  policy_id uuid references policies (id) on delete set null,
  target_environment text not null,
  user_id uuid not null references users (id),
  username text not null,
  decision text not null check (decision in ('approved', 'rejected')),
  bypass boolean not null default false check (not bypass or decision = 'approved'),
  comment text,
  created_at timestamptz not null default now()
);
-- One voice each; also the look-up for counting.
create unique index approval_decisions_voice on approval_decisions (release_intent_id, target_environment, user_id);
create index approval_decisions_policy on approval_decisions (policy_id);

create table history (
  id bigint generated always as identity primary key,
  organisation_id uuid not null references organisations (id),
  project_id uuid,
  release_intent_id uuid,
  at timestamptz not null,
  kind text not null,
  actor_id uuid,
  actor_username text not null,
  subject text not null,
  before jsonb,
  after jsonb
);
create index history_organisation on history (organisation_id, id desc);
create index history_project on history (project_id, id desc);
create index history_intent on history (release_intent_id, id desc);

create function history_is_append_only() returns trigger language plpgsql as $$
begin
  raise exception 'the history is append-only: % refused', tg_op;
end
$$;
create trigger history_append_only before update or delete on history
  for each row execute function history_is_append_only();
create trigger history_no_truncate before truncate on history
  for each statement execute function history_is_append_only();
