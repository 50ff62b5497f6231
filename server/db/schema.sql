-- Written by "npm run schema" from the migrations; do not edit.

CREATE SEQUENCE moments;

CREATE TABLE approval_decisions (
  id uuid NOT NULL DEFAULT gen_random_uuid(),
  release_intent_id uuid NOT NULL,
  policy_id uuid,
  target_environment text NOT NULL,
  user_id uuid NOT NULL,
  username text NOT NULL,
  decision text NOT NULL,
  bypass boolean NOT NULL DEFAULT false,
  comment text,
  created_at timestamp with time zone NOT NULL DEFAULT now(),
  moment bigint
);

CREATE TABLE artifact_authors (
  artifact_id uuid NOT NULL,
  user_id uuid NOT NULL
);

CREATE TABLE artifact_commits (
  artifact_id uuid NOT NULL,
  base_sha text,
  commits jsonb NOT NULL
);

CREATE TABLE artifact_files (
  id uuid NOT NULL,
  upload_id uuid NOT NULL,
  env text NOT NULL,
  destination text NOT NULL,
  file_name text NOT NULL,
  category text NOT NULL,
  content text NOT NULL
);

CREATE TABLE artifact_uploads (
  id uuid NOT NULL,
  artifact_id uuid,
  created_by uuid NOT NULL,
  created_at timestamp with time zone NOT NULL,
  bytes bigint NOT NULL DEFAULT 0,
  files_removed_at timestamp with time zone
);

CREATE TABLE artifacts (
  id uuid NOT NULL,
  project_id uuid NOT NULL,
  slug text NOT NULL,
  title text NOT NULL,
  description text,
  web text,
  pr text,
  commit_sha text NOT NULL,
  branch text,
  commit_message text,
  version text,
  repo_url text,
  source_user text,
  source_email text,
  source_type text,
  source_run_url text,
  source_user_id uuid,
  metadata jsonb NOT NULL DEFAULT '{}'::jsonb,
  created_by uuid NOT NULL,
  created_at timestamp with time zone NOT NULL,
  moment bigint DEFAULT nextval('moments'::regclass),
  build_order bigint,
  source_names boolean NOT NULL DEFAULT true
);

CREATE TABLE change_numbers (
  id uuid NOT NULL,
  number bigint NOT NULL
);

CREATE TABLE commit_addresses (
  user_id uuid NOT NULL,
  address text NOT NULL,
  created_at timestamp with time zone NOT NULL
);

CREATE TABLE credentials (
  id uuid NOT NULL,
  kind text NOT NULL,
  user_id uuid,
  secret_hash bytea NOT NULL,
  family_id uuid NOT NULL,
  name text NOT NULL DEFAULT ''::text,
  scopes text[] NOT NULL DEFAULT '{}'::text[],
  created_at timestamp with time zone NOT NULL,
  expires_at timestamp with time zone,
  last_used_at timestamp with time zone,
  revoked_at timestamp with time zone,
  begun_at timestamp with time zone,
  address text,
  user_agent text,
  idle_seconds integer,
  created_by uuid
);

CREATE TABLE dashboard_files (
  path text NOT NULL,
  content bytea NOT NULL,
  seen_at timestamp with time zone NOT NULL DEFAULT now()
);

CREATE TABLE delivery_runs (
  release_id uuid NOT NULL,
  run integer NOT NULL,
  destination_id uuid NOT NULL,
  project_id uuid NOT NULL,
  artifact_id uuid NOT NULL,
  build_order bigint NOT NULL,
  started_moment bigint NOT NULL,
  started_at timestamp with time zone NOT NULL,
  status text NOT NULL DEFAULT 'RUNNING'::text,
  ended_moment bigint,
  ended_at timestamp with time zone,
  reported boolean NOT NULL DEFAULT false,
  late_status text,
  late_reported_at timestamp with time zone
);

CREATE TABLE destination_revisions (
  destination_id uuid NOT NULL,
  environment_id uuid NOT NULL,
  moment bigint NOT NULL DEFAULT nextval('moments'::regclass),
  at timestamp with time zone NOT NULL DEFAULT clock_timestamp(),
  change text NOT NULL,
  address boolean NOT NULL,
  by text NOT NULL
);

CREATE TABLE destinations (
  id uuid NOT NULL,
  organisation_id uuid NOT NULL,
  environment_id uuid,
  name text NOT NULL,
  type_organisation text NOT NULL,
  type_name text NOT NULL,
  type_version bigint NOT NULL,
  metadata jsonb NOT NULL DEFAULT '{}'::jsonb,
  created_at timestamp with time zone NOT NULL,
  deleted_at timestamp with time zone,
  secrets text,
  grace_period_seconds integer,
  revision bigint NOT NULL DEFAULT 1
);

CREATE TABLE doubtful_arrivals (
  id bigint NOT NULL GENERATED ALWAYS AS IDENTITY,
  destination_id uuid NOT NULL,
  project_id uuid NOT NULL,
  artifact_id uuid NOT NULL,
  build_order bigint NOT NULL,
  moment bigint NOT NULL
);

CREATE TABLE environments (
  id uuid NOT NULL,
  organisation_id uuid NOT NULL,
  name text NOT NULL,
  description text,
  sort_order integer NOT NULL DEFAULT 0,
  created_at timestamp with time zone NOT NULL
);

CREATE TABLE history (
  id bigint NOT NULL GENERATED ALWAYS AS IDENTITY,
  organisation_id uuid,
  project_id uuid,
  release_intent_id uuid,
  at timestamp with time zone NOT NULL,
  kind text NOT NULL,
  actor_id uuid,
  actor_username text NOT NULL,
  subject text NOT NULL,
  before jsonb,
  after jsonb,
  credential_id uuid,
  credential_kind text,
  address text,
  request_id text,
  sequence bigint NOT NULL,
  content_hash bytea NOT NULL,
  previous_hash bytea NOT NULL,
  hash bytea NOT NULL
);

CREATE TABLE history_heads (
  chain uuid NOT NULL,
  sequence bigint NOT NULL,
  previous_hash bytea NOT NULL,
  hash bytea NOT NULL
);

CREATE TABLE holds (
  id uuid NOT NULL,
  project_id uuid NOT NULL,
  environment text NOT NULL,
  release_intent_id uuid NOT NULL,
  artifact_id uuid NOT NULL,
  build_order bigint NOT NULL,
  username text NOT NULL,
  began_at timestamp with time zone NOT NULL,
  began_moment bigint NOT NULL DEFAULT nextval('moments'::regclass),
  ended_at timestamp with time zone
);

CREATE TABLE live_periods (
  id bigint NOT NULL GENERATED ALWAYS AS IDENTITY,
  destination_id uuid NOT NULL,
  project_id uuid NOT NULL,
  artifact_id uuid NOT NULL,
  build_order bigint NOT NULL,
  began_at timestamp with time zone NOT NULL,
  began_moment bigint NOT NULL,
  ended_at timestamp with time zone,
  ended_by uuid,
  outdated_at timestamp with time zone,
  outdated_by uuid
);

CREATE TABLE memberships (
  organisation_id uuid NOT NULL,
  user_id uuid NOT NULL,
  role text NOT NULL,
  joined_at timestamp with time zone NOT NULL,
  moment bigint DEFAULT nextval('moments'::regclass),
  admin_moment bigint
);

CREATE TABLE oidc_sign_ins (
  state_hash bytea NOT NULL,
  browser_hash bytea NOT NULL,
  provider text NOT NULL,
  nonce text NOT NULL,
  code_verifier text NOT NULL,
  return_to text NOT NULL,
  user_id uuid,
  set_up_token_hash bytea,
  organisation text,
  address text NOT NULL,
  expires_at timestamp with time zone NOT NULL
);

CREATE TABLE organisation_join_rules (
  id uuid NOT NULL,
  organisation_id uuid NOT NULL,
  provider text NOT NULL,
  email_domain text NOT NULL,
  created_at timestamp with time zone NOT NULL
);

CREATE TABLE organisations (
  id uuid NOT NULL,
  name text NOT NULL,
  created_at timestamp with time zone NOT NULL,
  file_retention_days integer
);

CREATE UNLOGGED TABLE pending_changes (
  transaction xid8 NOT NULL DEFAULT pg_current_xact_id(),
  level smallint NOT NULL,
  id uuid NOT NULL
);

CREATE TABLE places (
  destination_id uuid NOT NULL,
  project_id uuid NOT NULL,
  live_artifact_id uuid,
  live_release_id uuid,
  live_since timestamp with time zone,
  live_moment bigint NOT NULL DEFAULT 0,
  doubt text,
  doubt_moment bigint
);

CREATE TABLE policies (
  id uuid NOT NULL,
  project_id uuid NOT NULL,
  name text NOT NULL,
  enabled boolean NOT NULL DEFAULT true,
  type text NOT NULL,
  target_environment text NOT NULL,
  config jsonb NOT NULL,
  created_at timestamp with time zone NOT NULL,
  updated_at timestamp with time zone NOT NULL,
  version bigint NOT NULL DEFAULT 1
);

CREATE TABLE projects (
  id uuid NOT NULL,
  organisation_id uuid NOT NULL,
  name text NOT NULL,
  readme text NOT NULL DEFAULT ''::text,
  description text NOT NULL DEFAULT ''::text,
  git_url text NOT NULL DEFAULT ''::text,
  homepage text NOT NULL DEFAULT ''::text,
  docs_url text NOT NULL DEFAULT ''::text,
  support_url text NOT NULL DEFAULT ''::text,
  domain text NOT NULL DEFAULT ''::text,
  owner text NOT NULL DEFAULT ''::text,
  created_at timestamp with time zone NOT NULL
);

CREATE TABLE release_intents (
  id uuid NOT NULL,
  project_id uuid NOT NULL,
  artifact_id uuid NOT NULL,
  actor_id uuid NOT NULL,
  pipeline text,
  force boolean NOT NULL DEFAULT false,
  prepare_only boolean NOT NULL DEFAULT false,
  status text NOT NULL DEFAULT 'ACTIVE'::text,
  error_message text,
  wanted_generation bigint NOT NULL DEFAULT 1,
  seen_generation bigint NOT NULL DEFAULT 0,
  next_check_at timestamp with time zone,
  created_at timestamp with time zone NOT NULL,
  completed_at timestamp with time zone,
  moment bigint DEFAULT nextval('moments'::regclass)
);

CREATE TABLE release_logs (
  id bigint NOT NULL GENERATED ALWAYS AS IDENTITY,
  release_id uuid NOT NULL,
  at timestamp with time zone NOT NULL,
  channel text NOT NULL,
  line text NOT NULL
);

CREATE TABLE release_pipelines (
  id uuid NOT NULL,
  project_id uuid NOT NULL,
  name text NOT NULL,
  enabled boolean NOT NULL DEFAULT true,
  stages jsonb NOT NULL,
  created_at timestamp with time zone NOT NULL,
  updated_at timestamp with time zone NOT NULL,
  version bigint NOT NULL DEFAULT 1
);

CREATE TABLE release_report_tokens (
  token_hash bytea NOT NULL,
  release_id uuid NOT NULL,
  run integer NOT NULL DEFAULT 1
);

CREATE TABLE releases (
  id uuid NOT NULL,
  release_intent_id uuid NOT NULL,
  stage_id text NOT NULL,
  project_id uuid NOT NULL,
  artifact_id uuid NOT NULL,
  destination_id uuid NOT NULL,
  destination_name text NOT NULL,
  environment text NOT NULL,
  mode text NOT NULL,
  status text NOT NULL DEFAULT 'QUEUED'::text,
  error_message text,
  plan_output text,
  attempt integer NOT NULL DEFAULT 0,
  lease_owner uuid,
  lease_until timestamp with time zone,
  deadline_at timestamp with time zone,
  queued_at timestamp with time zone NOT NULL,
  assigned_at timestamp with time zone,
  started_at timestamp with time zone,
  completed_at timestamp with time zone,
  run integer NOT NULL DEFAULT 1,
  started_moment bigint,
  plan_digest text,
  reported boolean NOT NULL DEFAULT false,
  occupied_until timestamp with time zone,
  destination_revision bigint
);

CREATE TABLE sign_in_attempts (
  key bytea NOT NULL,
  failures integer NOT NULL,
  last_at timestamp with time zone NOT NULL,
  blocked_until timestamp with time zone,
  succeeded_at timestamp with time zone,
  forget_at timestamp with time zone NOT NULL
);

CREATE TABLE stages (
  release_intent_id uuid NOT NULL,
  id text NOT NULL,
  "position" integer NOT NULL,
  type text NOT NULL,
  depends_on text[] NOT NULL DEFAULT '{}'::text[],
  environment text,
  duration_seconds bigint,
  auto_approve boolean NOT NULL DEFAULT false,
  only_destinations text[],
  status text NOT NULL DEFAULT 'PENDING'::text,
  reason text,
  error_message text,
  queued_at timestamp with time zone,
  started_at timestamp with time zone,
  completed_at timestamp with time zone,
  wait_until timestamp with time zone,
  next_check_at timestamp with time zone,
  plan_approval text,
  organisation_id uuid NOT NULL,
  skipped jsonb NOT NULL DEFAULT '[]'::jsonb,
  superseded_by uuid,
  superseded_by_intent uuid,
  already_live boolean NOT NULL DEFAULT false,
  approved_by text[] NOT NULL DEFAULT '{}'::text[],
  opened_verdicts jsonb,
  plan_run integer NOT NULL DEFAULT 1,
  plan_run_at timestamp with time zone,
  approved_plan text
);

CREATE TABLE stored_bytes (
  organisation_id uuid NOT NULL,
  bytes bigint NOT NULL
);

CREATE TABLE uploaded_bytes (
  day date NOT NULL,
  user_id uuid NOT NULL,
  bytes bigint NOT NULL
);

CREATE TABLE user_identities (
  id uuid NOT NULL,
  user_id uuid NOT NULL,
  issuer text NOT NULL,
  subject text NOT NULL,
  provider text NOT NULL,
  email text NOT NULL,
  created_at timestamp with time zone NOT NULL,
  last_used_at timestamp with time zone NOT NULL
);

CREATE TABLE users (
  id uuid NOT NULL,
  username text NOT NULL,
  email text,
  password_hash text,
  profile_picture_url text,
  created_at timestamp with time zone NOT NULL,
  updated_at timestamp with time zone NOT NULL,
  kind text NOT NULL DEFAULT 'person'::text,
  organisation_id uuid,
  deleted_at timestamp with time zone
);


ALTER TABLE approval_decisions ADD CONSTRAINT approval_decisions_pkey PRIMARY KEY (id);
ALTER TABLE approval_decisions ADD CONSTRAINT approval_decisions_check CHECK (((NOT bypass) OR (decision = 'approved'::text)));
ALTER TABLE approval_decisions ADD CONSTRAINT approval_decisions_decision_check CHECK ((decision = ANY (ARRAY['approved'::text, 'rejected'::text])));
ALTER TABLE artifact_authors ADD CONSTRAINT artifact_authors_pkey PRIMARY KEY (artifact_id, user_id);
ALTER TABLE artifact_commits ADD CONSTRAINT artifact_commits_pkey PRIMARY KEY (artifact_id);
ALTER TABLE artifact_files ADD CONSTRAINT artifact_files_pkey PRIMARY KEY (id);
ALTER TABLE artifact_files ADD CONSTRAINT artifact_files_upload_id_env_destination_category_file_name_key UNIQUE (upload_id, env, destination, category, file_name);
ALTER TABLE artifact_uploads ADD CONSTRAINT artifact_uploads_pkey PRIMARY KEY (id);
ALTER TABLE artifact_uploads ADD CONSTRAINT artifact_uploads_artifact_id_key UNIQUE (artifact_id);
ALTER TABLE artifacts ADD CONSTRAINT artifacts_pkey PRIMARY KEY (id);
ALTER TABLE artifacts ADD CONSTRAINT artifacts_slug_key UNIQUE (slug);
ALTER TABLE change_numbers ADD CONSTRAINT change_numbers_pkey PRIMARY KEY (id);
ALTER TABLE credentials ADD CONSTRAINT credentials_pkey PRIMARY KEY (id);
ALTER TABLE credentials ADD CONSTRAINT credentials_check CHECK (((user_id IS NULL) = (kind = 'set_up'::text)));
ALTER TABLE credentials ADD CONSTRAINT credentials_idle_seconds_check CHECK ((idle_seconds > 0));
ALTER TABLE credentials ADD CONSTRAINT credentials_kind_check CHECK ((kind = ANY (ARRAY['session'::text, 'access'::text, 'refresh'::text, 'personal'::text, 'set_up'::text, 'service'::text])));
ALTER TABLE credentials ADD CONSTRAINT credentials_secret_hash_key UNIQUE (secret_hash);
ALTER TABLE credentials ADD CONSTRAINT credentials_user_agent_check CHECK ((length(user_agent) <= 300));
ALTER TABLE dashboard_files ADD CONSTRAINT dashboard_files_pkey PRIMARY KEY (path);
ALTER TABLE delivery_runs ADD CONSTRAINT delivery_runs_pkey PRIMARY KEY (release_id, run);
ALTER TABLE delivery_runs ADD CONSTRAINT delivery_runs_late_status_check CHECK ((late_status = ANY (ARRAY['SUCCEEDED'::text, 'FAILED'::text])));
ALTER TABLE delivery_runs ADD CONSTRAINT delivery_runs_status_check CHECK ((status = ANY (ARRAY['RUNNING'::text, 'SUCCEEDED'::text, 'FAILED'::text, 'TIMED_OUT'::text, 'CANCELLED'::text])));
ALTER TABLE destination_revisions ADD CONSTRAINT destination_revisions_pkey PRIMARY KEY (destination_id, moment);
ALTER TABLE destination_revisions ADD CONSTRAINT destination_revisions_change_check CHECK ((change = ANY (ARRAY['added'::text, 'changed'::text, 'removed'::text])));
ALTER TABLE destinations ADD CONSTRAINT destinations_pkey PRIMARY KEY (id);
ALTER TABLE destinations ADD CONSTRAINT destinations_check CHECK (((environment_id IS NOT NULL) OR (deleted_at IS NOT NULL)));
ALTER TABLE destinations ADD CONSTRAINT destinations_grace_period_seconds_check CHECK (((grace_period_seconds >= 0) AND (grace_period_seconds <= 3600)));
ALTER TABLE destinations ADD CONSTRAINT destinations_secrets_check CHECK ((secrets ~~ 'v1:%'::text));
ALTER TABLE doubtful_arrivals ADD CONSTRAINT doubtful_arrivals_pkey PRIMARY KEY (id);
ALTER TABLE environments ADD CONSTRAINT environments_pkey PRIMARY KEY (id);
ALTER TABLE environments ADD CONSTRAINT environments_organisation_id_name_key UNIQUE (organisation_id, name);
ALTER TABLE history ADD CONSTRAINT history_pkey PRIMARY KEY (id);
ALTER TABLE history_heads ADD CONSTRAINT history_heads_pkey PRIMARY KEY (chain);
ALTER TABLE holds ADD CONSTRAINT holds_pkey PRIMARY KEY (id);
ALTER TABLE live_periods ADD CONSTRAINT live_periods_pkey PRIMARY KEY (id);
ALTER TABLE memberships ADD CONSTRAINT memberships_pkey PRIMARY KEY (organisation_id, user_id);
ALTER TABLE memberships ADD CONSTRAINT memberships_role_check CHECK ((role = ANY (ARRAY['member'::text, 'admin'::text])));
ALTER TABLE oidc_sign_ins ADD CONSTRAINT oidc_sign_ins_pkey PRIMARY KEY (state_hash);
ALTER TABLE oidc_sign_ins ADD CONSTRAINT oidc_sign_ins_check CHECK (((user_id IS NULL) OR (set_up_token_hash IS NULL)));
ALTER TABLE oidc_sign_ins ADD CONSTRAINT oidc_sign_ins_check1 CHECK (((set_up_token_hash IS NULL) = (organisation IS NULL)));
ALTER TABLE organisation_join_rules ADD CONSTRAINT organisation_join_rules_pkey PRIMARY KEY (id);
ALTER TABLE organisation_join_rules ADD CONSTRAINT organisation_join_rules_email_domain_check CHECK ((email_domain = lower(email_domain)));
ALTER TABLE organisation_join_rules ADD CONSTRAINT organisation_join_rules_organisation_id_provider_email_doma_key UNIQUE (organisation_id, provider, email_domain);
ALTER TABLE organisations ADD CONSTRAINT organisations_pkey PRIMARY KEY (id);
ALTER TABLE organisations ADD CONSTRAINT organisations_file_retention_days_check CHECK (((file_retention_days >= 1) AND (file_retention_days <= 3650)));
ALTER TABLE organisations ADD CONSTRAINT organisations_name_key UNIQUE (name);
ALTER TABLE pending_changes ADD CONSTRAINT pending_changes_pkey PRIMARY KEY (transaction, level, id);
ALTER TABLE places ADD CONSTRAINT places_pkey PRIMARY KEY (destination_id, project_id);
ALTER TABLE policies ADD CONSTRAINT policies_pkey PRIMARY KEY (id);
ALTER TABLE policies ADD CONSTRAINT policies_project_id_name_key UNIQUE (project_id, name);
ALTER TABLE projects ADD CONSTRAINT projects_pkey PRIMARY KEY (id);
ALTER TABLE projects ADD CONSTRAINT projects_organisation_id_name_key UNIQUE (organisation_id, name);
ALTER TABLE release_intents ADD CONSTRAINT release_intents_pkey PRIMARY KEY (id);
ALTER TABLE release_intents ADD CONSTRAINT release_intents_status_check CHECK ((status = ANY (ARRAY['ACTIVE'::text, 'SUCCEEDED'::text, 'FAILED'::text, 'CANCELLED'::text])));
ALTER TABLE release_logs ADD CONSTRAINT release_logs_pkey PRIMARY KEY (id);
ALTER TABLE release_logs ADD CONSTRAINT release_logs_channel_check CHECK ((channel = ANY (ARRAY['stdout'::text, 'stderr'::text])));
ALTER TABLE release_pipelines ADD CONSTRAINT release_pipelines_pkey PRIMARY KEY (id);
ALTER TABLE release_pipelines ADD CONSTRAINT release_pipelines_project_id_name_key UNIQUE (project_id, name);
ALTER TABLE release_report_tokens ADD CONSTRAINT release_report_tokens_pkey PRIMARY KEY (token_hash);
ALTER TABLE releases ADD CONSTRAINT releases_pkey PRIMARY KEY (id);
ALTER TABLE releases ADD CONSTRAINT releases_mode_check CHECK ((mode = ANY (ARRAY['deploy'::text, 'plan'::text])));
ALTER TABLE releases ADD CONSTRAINT releases_release_intent_id_stage_id_destination_id_key UNIQUE (release_intent_id, stage_id, destination_id);
ALTER TABLE releases ADD CONSTRAINT releases_status_check CHECK ((status = ANY (ARRAY['QUEUED'::text, 'ASSIGNED'::text, 'RUNNING'::text, 'SUCCEEDED'::text, 'FAILED'::text, 'TIMED_OUT'::text, 'CANCELLED'::text])));
ALTER TABLE sign_in_attempts ADD CONSTRAINT sign_in_attempts_pkey PRIMARY KEY (key);
ALTER TABLE sign_in_attempts ADD CONSTRAINT sign_in_attempts_failures_check CHECK ((failures >= 0));
ALTER TABLE sign_in_attempts ADD CONSTRAINT sign_in_attempts_key_check CHECK ((length(key) = 32));
ALTER TABLE stages ADD CONSTRAINT stages_pkey PRIMARY KEY (release_intent_id, id);
ALTER TABLE stages ADD CONSTRAINT stages_check CHECK (((environment IS NULL) = (type = 'wait'::text)));
ALTER TABLE stages ADD CONSTRAINT stages_check1 CHECK (((duration_seconds IS NULL) = (type <> 'wait'::text)));
ALTER TABLE stages ADD CONSTRAINT stages_plan_approval_check CHECK ((plan_approval = ANY (ARRAY['AWAITING'::text, 'APPROVED'::text, 'REJECTED'::text])));
ALTER TABLE stages ADD CONSTRAINT stages_status_check CHECK ((status = ANY (ARRAY['PENDING'::text, 'ACTIVE'::text, 'SUCCEEDED'::text, 'FAILED'::text, 'CANCELLED'::text, 'AWAITING_APPROVAL'::text])));
ALTER TABLE stages ADD CONSTRAINT stages_type_check CHECK ((type = ANY (ARRAY['deploy'::text, 'wait'::text, 'plan'::text])));
ALTER TABLE stages ADD CONSTRAINT stages_waiting_since CHECK (((type <> 'deploy'::text) OR (status <> 'AWAITING_APPROVAL'::text) OR (queued_at IS NOT NULL)));
ALTER TABLE stored_bytes ADD CONSTRAINT stored_bytes_pkey PRIMARY KEY (organisation_id);
ALTER TABLE uploaded_bytes ADD CONSTRAINT uploaded_bytes_pkey PRIMARY KEY (day, user_id);
ALTER TABLE user_identities ADD CONSTRAINT user_identities_pkey PRIMARY KEY (id);
ALTER TABLE user_identities ADD CONSTRAINT user_identities_issuer_subject_key UNIQUE (issuer, subject);
ALTER TABLE users ADD CONSTRAINT users_pkey PRIMARY KEY (id);
ALTER TABLE users ADD CONSTRAINT users_kind_check CHECK ((kind = ANY (ARRAY['person'::text, 'service'::text])));
ALTER TABLE users ADD CONSTRAINT users_person_stays CHECK (((kind = 'service'::text) OR (deleted_at IS NULL)));
ALTER TABLE users ADD CONSTRAINT users_service CHECK (((kind = 'service'::text) = (organisation_id IS NOT NULL)));
ALTER TABLE users ADD CONSTRAINT users_service_signs_in_never CHECK (((kind = 'person'::text) OR ((password_hash IS NULL) AND (email IS NULL))));
ALTER TABLE approval_decisions ADD CONSTRAINT approval_decisions_policy_id_fkey FOREIGN KEY (policy_id) REFERENCES policies(id) ON DELETE SET NULL;
ALTER TABLE approval_decisions ADD CONSTRAINT approval_decisions_release_intent_id_fkey FOREIGN KEY (release_intent_id) REFERENCES release_intents(id) ON DELETE CASCADE;
ALTER TABLE approval_decisions ADD CONSTRAINT approval_decisions_user_id_fkey FOREIGN KEY (user_id) REFERENCES users(id);
ALTER TABLE artifact_authors ADD CONSTRAINT artifact_authors_artifact_id_fkey FOREIGN KEY (artifact_id) REFERENCES artifacts(id) ON DELETE CASCADE;
ALTER TABLE artifact_authors ADD CONSTRAINT artifact_authors_user_id_fkey FOREIGN KEY (user_id) REFERENCES users(id) ON DELETE CASCADE;
ALTER TABLE artifact_commits ADD CONSTRAINT artifact_commits_artifact_id_fkey FOREIGN KEY (artifact_id) REFERENCES artifacts(id) ON DELETE CASCADE;
ALTER TABLE artifact_files ADD CONSTRAINT artifact_files_upload_id_fkey FOREIGN KEY (upload_id) REFERENCES artifact_uploads(id) ON DELETE CASCADE;
ALTER TABLE artifact_uploads ADD CONSTRAINT artifact_uploads_created_by_fkey FOREIGN KEY (created_by) REFERENCES users(id);
ALTER TABLE artifacts ADD CONSTRAINT artifacts_created_by_fkey FOREIGN KEY (created_by) REFERENCES users(id);
ALTER TABLE artifacts ADD CONSTRAINT artifacts_project_id_fkey FOREIGN KEY (project_id) REFERENCES projects(id) ON DELETE CASCADE;
ALTER TABLE artifacts ADD CONSTRAINT artifacts_source_user_id_fkey FOREIGN KEY (source_user_id) REFERENCES users(id) ON DELETE SET NULL;
ALTER TABLE commit_addresses ADD CONSTRAINT commit_addresses_user_id_fkey FOREIGN KEY (user_id) REFERENCES users(id) ON DELETE CASCADE;
ALTER TABLE credentials ADD CONSTRAINT credentials_user_id_fkey FOREIGN KEY (user_id) REFERENCES users(id) ON DELETE CASCADE;
ALTER TABLE delivery_runs ADD CONSTRAINT delivery_runs_artifact_id_fkey FOREIGN KEY (artifact_id) REFERENCES artifacts(id) ON DELETE CASCADE;
ALTER TABLE delivery_runs ADD CONSTRAINT delivery_runs_destination_id_fkey FOREIGN KEY (destination_id) REFERENCES destinations(id);
ALTER TABLE delivery_runs ADD CONSTRAINT delivery_runs_project_id_fkey FOREIGN KEY (project_id) REFERENCES projects(id) ON DELETE CASCADE;
ALTER TABLE delivery_runs ADD CONSTRAINT delivery_runs_release_id_fkey FOREIGN KEY (release_id) REFERENCES releases(id) ON DELETE CASCADE;
ALTER TABLE destination_revisions ADD CONSTRAINT destination_revisions_destination_id_fkey FOREIGN KEY (destination_id) REFERENCES destinations(id) ON DELETE CASCADE;
ALTER TABLE destination_revisions ADD CONSTRAINT destination_revisions_environment_id_fkey FOREIGN KEY (environment_id) REFERENCES environments(id) ON DELETE CASCADE;
ALTER TABLE destinations ADD CONSTRAINT destinations_environment_id_fkey FOREIGN KEY (environment_id) REFERENCES environments(id) ON DELETE SET NULL;
ALTER TABLE destinations ADD CONSTRAINT destinations_organisation_id_fkey FOREIGN KEY (organisation_id) REFERENCES organisations(id) ON DELETE CASCADE;
ALTER TABLE doubtful_arrivals ADD CONSTRAINT doubtful_arrivals_artifact_id_fkey FOREIGN KEY (artifact_id) REFERENCES artifacts(id) ON DELETE CASCADE;
ALTER TABLE doubtful_arrivals ADD CONSTRAINT doubtful_arrivals_destination_id_fkey FOREIGN KEY (destination_id) REFERENCES destinations(id);
ALTER TABLE doubtful_arrivals ADD CONSTRAINT doubtful_arrivals_project_id_fkey FOREIGN KEY (project_id) REFERENCES projects(id) ON DELETE CASCADE;
ALTER TABLE environments ADD CONSTRAINT environments_organisation_id_fkey FOREIGN KEY (organisation_id) REFERENCES organisations(id) ON DELETE CASCADE;
ALTER TABLE history ADD CONSTRAINT history_organisation_id_fkey FOREIGN KEY (organisation_id) REFERENCES organisations(id);
ALTER TABLE holds ADD CONSTRAINT holds_artifact_id_fkey FOREIGN KEY (artifact_id) REFERENCES artifacts(id) ON DELETE CASCADE;
ALTER TABLE holds ADD CONSTRAINT holds_project_id_fkey FOREIGN KEY (project_id) REFERENCES projects(id) ON DELETE CASCADE;
ALTER TABLE holds ADD CONSTRAINT holds_release_intent_id_fkey FOREIGN KEY (release_intent_id) REFERENCES release_intents(id) ON DELETE CASCADE;
ALTER TABLE live_periods ADD CONSTRAINT live_periods_artifact_id_fkey FOREIGN KEY (artifact_id) REFERENCES artifacts(id) ON DELETE CASCADE;
ALTER TABLE live_periods ADD CONSTRAINT live_periods_destination_id_fkey FOREIGN KEY (destination_id) REFERENCES destinations(id);
ALTER TABLE live_periods ADD CONSTRAINT live_periods_ended_by_fkey FOREIGN KEY (ended_by) REFERENCES artifacts(id) ON DELETE SET NULL;
ALTER TABLE live_periods ADD CONSTRAINT live_periods_outdated_by_fkey FOREIGN KEY (outdated_by) REFERENCES artifacts(id) ON DELETE SET NULL;
ALTER TABLE live_periods ADD CONSTRAINT live_periods_project_id_fkey FOREIGN KEY (project_id) REFERENCES projects(id) ON DELETE CASCADE;
ALTER TABLE memberships ADD CONSTRAINT memberships_organisation_id_fkey FOREIGN KEY (organisation_id) REFERENCES organisations(id) ON DELETE CASCADE;
ALTER TABLE memberships ADD CONSTRAINT memberships_user_id_fkey FOREIGN KEY (user_id) REFERENCES users(id) ON DELETE CASCADE;
ALTER TABLE oidc_sign_ins ADD CONSTRAINT oidc_sign_ins_user_id_fkey FOREIGN KEY (user_id) REFERENCES users(id) ON DELETE CASCADE;
ALTER TABLE organisation_join_rules ADD CONSTRAINT organisation_join_rules_organisation_id_fkey FOREIGN KEY (organisation_id) REFERENCES organisations(id) ON DELETE CASCADE;
ALTER TABLE places ADD CONSTRAINT places_destination_id_fkey FOREIGN KEY (destination_id) REFERENCES destinations(id);
ALTER TABLE places ADD CONSTRAINT places_live_artifact_id_fkey FOREIGN KEY (live_artifact_id) REFERENCES artifacts(id) ON DELETE CASCADE;
ALTER TABLE places ADD CONSTRAINT places_live_release_id_fkey FOREIGN KEY (live_release_id) REFERENCES releases(id) ON DELETE SET NULL;
ALTER TABLE places ADD CONSTRAINT places_project_id_fkey FOREIGN KEY (project_id) REFERENCES projects(id) ON DELETE CASCADE;
ALTER TABLE policies ADD CONSTRAINT policies_project_id_fkey FOREIGN KEY (project_id) REFERENCES projects(id) ON DELETE CASCADE;
ALTER TABLE projects ADD CONSTRAINT projects_organisation_id_fkey FOREIGN KEY (organisation_id) REFERENCES organisations(id) ON DELETE CASCADE;
ALTER TABLE release_intents ADD CONSTRAINT release_intents_actor_id_fkey FOREIGN KEY (actor_id) REFERENCES users(id);
ALTER TABLE release_intents ADD CONSTRAINT release_intents_artifact_id_fkey FOREIGN KEY (artifact_id) REFERENCES artifacts(id) ON DELETE CASCADE;
ALTER TABLE release_intents ADD CONSTRAINT release_intents_project_id_fkey FOREIGN KEY (project_id) REFERENCES projects(id) ON DELETE CASCADE;
ALTER TABLE release_logs ADD CONSTRAINT release_logs_release_id_fkey FOREIGN KEY (release_id) REFERENCES releases(id) ON DELETE CASCADE;
ALTER TABLE release_pipelines ADD CONSTRAINT release_pipelines_project_id_fkey FOREIGN KEY (project_id) REFERENCES projects(id) ON DELETE CASCADE;
ALTER TABLE release_report_tokens ADD CONSTRAINT release_report_tokens_release_id_fkey FOREIGN KEY (release_id) REFERENCES releases(id) ON DELETE CASCADE;
ALTER TABLE releases ADD CONSTRAINT releases_artifact_id_fkey FOREIGN KEY (artifact_id) REFERENCES artifacts(id) ON DELETE CASCADE;
ALTER TABLE releases ADD CONSTRAINT releases_destination_id_fkey FOREIGN KEY (destination_id) REFERENCES destinations(id);
ALTER TABLE releases ADD CONSTRAINT releases_project_id_fkey FOREIGN KEY (project_id) REFERENCES projects(id) ON DELETE CASCADE;
ALTER TABLE releases ADD CONSTRAINT releases_release_intent_id_stage_id_fkey FOREIGN KEY (release_intent_id, stage_id) REFERENCES stages(release_intent_id, id) ON DELETE CASCADE;
ALTER TABLE stages ADD CONSTRAINT stages_release_intent_id_fkey FOREIGN KEY (release_intent_id) REFERENCES release_intents(id) ON DELETE CASCADE;
ALTER TABLE stages ADD CONSTRAINT stages_superseded_by_fkey FOREIGN KEY (superseded_by) REFERENCES artifacts(id) ON DELETE SET NULL;
ALTER TABLE stored_bytes ADD CONSTRAINT stored_bytes_organisation_id_fkey FOREIGN KEY (organisation_id) REFERENCES organisations(id) ON DELETE CASCADE;
ALTER TABLE uploaded_bytes ADD CONSTRAINT uploaded_bytes_user_id_fkey FOREIGN KEY (user_id) REFERENCES users(id) ON DELETE CASCADE;
ALTER TABLE user_identities ADD CONSTRAINT user_identities_user_id_fkey FOREIGN KEY (user_id) REFERENCES users(id) ON DELETE CASCADE;
ALTER TABLE users ADD CONSTRAINT users_organisation_id_fkey FOREIGN KEY (organisation_id) REFERENCES organisations(id) ON DELETE CASCADE;

CREATE INDEX approval_decisions_policy ON public.approval_decisions USING btree (policy_id);
CREATE UNIQUE INDEX approval_decisions_voice ON public.approval_decisions USING btree (release_intent_id, target_environment, user_id);
CREATE INDEX artifact_uploads_created ON public.artifact_uploads USING btree (created_at);
CREATE INDEX artifact_uploads_kept ON public.artifact_uploads USING btree (created_at, id) WHERE ((artifact_id IS NOT NULL) AND (bytes > 0));
CREATE INDEX artifact_uploads_user_created ON public.artifact_uploads USING btree (created_by, created_at);
CREATE INDEX artifacts_commit ON public.artifacts USING btree (project_id, commit_sha);
CREATE INDEX artifacts_order ON public.artifacts USING btree (project_id, build_order DESC, id);
CREATE INDEX artifacts_project ON public.artifacts USING btree (project_id, created_at DESC, id DESC);
CREATE INDEX commit_addresses_address ON public.commit_addresses USING btree (lower(address));
CREATE UNIQUE INDEX commit_addresses_own ON public.commit_addresses USING btree (user_id, lower(address));
CREATE INDEX credentials_created_by ON public.credentials USING btree (created_by) WHERE (created_by IS NOT NULL);
CREATE INDEX credentials_family ON public.credentials USING btree (family_id);
CREATE INDEX credentials_user ON public.credentials USING btree (user_id, kind);
CREATE INDEX dashboard_files_seen ON public.dashboard_files USING btree (seen_at);
CREATE INDEX delivery_runs_artifact ON public.delivery_runs USING btree (artifact_id);
CREATE INDEX delivery_runs_place ON public.delivery_runs USING btree (destination_id, project_id, started_moment DESC);
CREATE INDEX destination_revisions_environment ON public.destination_revisions USING btree (environment_id, moment);
CREATE INDEX destinations_environment ON public.destinations USING btree (environment_id) WHERE (deleted_at IS NULL);
CREATE UNIQUE INDEX destinations_name ON public.destinations USING btree (organisation_id, name) WHERE (deleted_at IS NULL);
CREATE INDEX destinations_same_name ON public.destinations USING btree (organisation_id, lower(name)) WHERE (deleted_at IS NULL);
CREATE INDEX doubtful_arrivals_artifact ON public.doubtful_arrivals USING btree (artifact_id);
CREATE INDEX doubtful_arrivals_place ON public.doubtful_arrivals USING btree (destination_id, project_id, build_order);
CREATE INDEX environments_same_name ON public.environments USING btree (organisation_id, lower(name));
CREATE INDEX history_actor ON public.history USING btree (organisation_id, actor_id, id DESC);
CREATE INDEX history_at ON public.history USING btree (organisation_id, at, id);
CREATE UNIQUE INDEX history_chain ON public.history USING btree (COALESCE(organisation_id, '00000000-0000-0000-0000-000000000000'::uuid), sequence);
CREATE INDEX history_intent ON public.history USING btree (release_intent_id, id DESC);
CREATE INDEX history_kind ON public.history USING btree (organisation_id, kind, id DESC);
CREATE INDEX history_organisation ON public.history USING btree (organisation_id, id DESC);
CREATE INDEX history_project ON public.history USING btree (project_id, id DESC);
CREATE UNIQUE INDEX holds_intent ON public.holds USING btree (release_intent_id, environment);
CREATE INDEX holds_open ON public.holds USING btree (project_id, environment) WHERE (ended_at IS NULL);
CREATE INDEX holds_project ON public.holds USING btree (project_id, environment, began_moment DESC);
CREATE INDEX live_periods_artifact ON public.live_periods USING btree (artifact_id);
CREATE INDEX live_periods_began ON public.live_periods USING btree (destination_id, project_id, began_at);
CREATE INDEX live_periods_open ON public.live_periods USING btree (destination_id, project_id, build_order) WHERE ((ended_at IS NULL) OR (outdated_at IS NULL));
CREATE INDEX live_periods_place ON public.live_periods USING btree (destination_id, project_id, build_order, began_moment DESC);
CREATE INDEX memberships_user ON public.memberships USING btree (user_id);
CREATE INDEX oidc_sign_ins_address ON public.oidc_sign_ins USING btree (address, expires_at);
CREATE INDEX oidc_sign_ins_expires ON public.oidc_sign_ins USING btree (expires_at);
CREATE INDEX organisation_join_rules_domain ON public.organisation_join_rules USING btree (provider, email_domain);
CREATE INDEX organisations_same_name ON public.organisations USING btree (lower(name));
CREATE INDEX places_artifact ON public.places USING btree (live_artifact_id);
CREATE INDEX places_project ON public.places USING btree (project_id);
CREATE INDEX policies_target ON public.policies USING btree (project_id, target_environment) WHERE enabled;
CREATE INDEX projects_same_name ON public.projects USING btree (organisation_id, lower(name));
CREATE INDEX release_intents_active ON public.release_intents USING btree (project_id) WHERE (status = 'ACTIVE'::text);
CREATE INDEX release_intents_artifact ON public.release_intents USING btree (artifact_id, created_at DESC, id DESC);
CREATE INDEX release_intents_behind ON public.release_intents USING btree (id) WHERE ((status = 'ACTIVE'::text) AND (seen_generation < wanted_generation));
CREATE INDEX release_intents_due ON public.release_intents USING btree (next_check_at) WHERE ((status = 'ACTIVE'::text) AND (next_check_at IS NOT NULL));
CREATE INDEX release_intents_project ON public.release_intents USING btree (project_id, created_at DESC, id DESC);
CREATE INDEX release_logs_release ON public.release_logs USING btree (release_id, id);
CREATE INDEX release_report_tokens_release ON public.release_report_tokens USING btree (release_id);
CREATE INDEX releases_artifact ON public.releases USING btree (artifact_id, destination_id, queued_at DESC, id DESC) WHERE (mode = 'deploy'::text);
CREATE INDEX releases_delivering ON public.releases USING btree (project_id) WHERE (status = ANY (ARRAY['ASSIGNED'::text, 'RUNNING'::text]));
CREATE INDEX releases_latest ON public.releases USING btree (destination_id, queued_at DESC, id DESC) WHERE (mode = 'deploy'::text);
CREATE INDEX releases_occupying ON public.releases USING btree (destination_id) WHERE (occupied_until IS NOT NULL);
CREATE UNIQUE INDEX releases_one_running ON public.releases USING btree (destination_id) WHERE ((status = ANY (ARRAY['ASSIGNED'::text, 'RUNNING'::text])) OR (occupied_until IS NOT NULL));
CREATE INDEX releases_open ON public.releases USING btree (destination_id, queued_at, id) WHERE ((status = ANY (ARRAY['QUEUED'::text, 'ASSIGNED'::text, 'RUNNING'::text])) OR (occupied_until IS NOT NULL));
CREATE INDEX releases_project ON public.releases USING btree (project_id, destination_id, queued_at DESC, id DESC) WHERE (mode = 'deploy'::text);
CREATE INDEX releases_queue ON public.releases USING btree (destination_id, queued_at, id) WHERE (status = 'QUEUED'::text);
CREATE INDEX releases_queued ON public.releases USING btree (project_id, queued_at) WHERE (status = 'QUEUED'::text);
CREATE INDEX releases_succeeded ON public.releases USING btree (artifact_id, destination_id, completed_at DESC) WHERE ((status = 'SUCCEEDED'::text) AND (mode = 'deploy'::text));
CREATE INDEX sign_in_attempts_forget ON public.sign_in_attempts USING btree (forget_at);
CREATE INDEX stages_held ON public.stages USING btree (queued_at) WHERE ((type = 'deploy'::text) AND (status = 'PENDING'::text) AND (queued_at IS NOT NULL));
CREATE INDEX stages_plans_waiting ON public.stages USING btree (organisation_id, queued_at, release_intent_id, id) WHERE ((type = 'plan'::text) AND (status = 'AWAITING_APPROVAL'::text) AND (plan_approval = 'AWAITING'::text));
CREATE INDEX stages_waiting ON public.stages USING btree (organisation_id, queued_at, release_intent_id, id) WHERE ((type = 'deploy'::text) AND (status = 'AWAITING_APPROVAL'::text));
CREATE INDEX user_identities_user ON public.user_identities USING btree (user_id);
CREATE UNIQUE INDEX users_email ON public.users USING btree (lower(email)) WHERE (email IS NOT NULL);
CREATE UNIQUE INDEX users_service ON public.users USING btree (organisation_id, lower(username)) WHERE ((kind = 'service'::text) AND (deleted_at IS NULL));
CREATE UNIQUE INDEX users_username ON public.users USING btree (lower(username)) WHERE (kind = 'person'::text);

CREATE OR REPLACE FUNCTION public.applies_current_rules()
 RETURNS boolean
 LANGUAGE sql
 STABLE
AS $function$
  select coalesce(nullif(current_setting('forage.gate_rules', true), '')::integer, 0) >= gate_rules_version()
$function$
;
CREATE OR REPLACE FUNCTION public.approvals_renewed(intent uuid, environment text)
 RETURNS bigint
 LANGUAGE sql
 STABLE
AS $function$
  select greatest(
    (select max(h.began_moment) from holds h
      where h.project_id = i.project_id and h.environment = approvals_renewed.environment and h.release_intent_id <> i.id),
    (select max(l.moment)
       from environments e
       join destinations d on d.environment_id = e.id and d.deleted_at is null
       join arrivals l on l.destination_id = d.id and l.project_id = i.project_id and l.build_order > a.build_order
       join artifacts b on b.id = l.artifact_id and b.branch <> a.branch
      where e.organisation_id = p.organisation_id and e.name = approvals_renewed.environment),
    (select max(r.moment)
       from environments e
       join destination_revisions r on r.environment_id = e.id and r.change in ('added', 'changed')
       join destinations d on d.id = r.destination_id and d.deleted_at is null
       join stages s on s.release_intent_id = i.id and s.type = 'deploy' and s.environment = e.name
        and s.status in ('PENDING', 'AWAITING_APPROVAL', 'ACTIVE')
      where e.organisation_id = p.organisation_id and e.name = approvals_renewed.environment
        and r.moment > (select min(moment_of(v.moment, v.created_at)) from approval_decisions v
                         where v.release_intent_id = i.id and v.target_environment = approvals_renewed.environment)
        and case when exists (select from releases q where q.release_intent_id = i.id and q.stage_id = s.id)
                 then exists (select from releases q where q.release_intent_id = i.id and q.stage_id = s.id
                                 and q.destination_id = d.id and q.status = 'QUEUED')
                 else s.status <> 'ACTIVE' and (s.only_destinations is null or d.name = any (s.only_destinations)) end))
    from release_intents i
    join artifacts a on a.id = i.artifact_id
    join projects p on p.id = i.project_id
   where i.id = intent
$function$
;
CREATE OR REPLACE FUNCTION public.artifact_source_is_fixed()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
begin
  raise exception 'the source of an artifact never changes';
end
$function$
;
CREATE OR REPLACE FUNCTION public.authors_of(a artifacts)
 RETURNS SETOF uuid
 LANGUAGE sql
 STABLE
AS $function$
  select user_id from artifact_authors where artifact_id = a.id
  union
  select n.user_id from source_users(a) as n (user_id) where a.source_names
$function$
;
CREATE OR REPLACE FUNCTION public.count_file_bytes()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
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
$function$
;
CREATE OR REPLACE FUNCTION public.credential_ended(credential uuid, at_time timestamp with time zone)
 RETURNS boolean
 LANGUAGE plpgsql
 STABLE
AS $function$
begin
  return not exists (
    select from credentials c
     where c.id = credential
       and (valid_until(c) > at_time
            or (c.kind = 'access' and c.revoked_at is null
                and exists (select from credentials r
                             where r.family_id = c.family_id and r.kind = 'refresh' and valid_until(r) > at_time))));
end
$function$
;
CREATE OR REPLACE FUNCTION public.doubt_place(destination uuid, project uuid, why text, since bigint, at timestamp with time zone)
 RETURNS void
 LANGUAGE plpgsql
AS $function$
begin
  update places set doubt = why, doubt_moment = since where destination_id = destination and project_id = project;
  perform end_live_periods(destination, project, null, null, at);
end
$function$
;
CREATE OR REPLACE FUNCTION public.end_live_periods(destination uuid, project uuid, artifact uuid, by_order bigint, at timestamp with time zone)
 RETURNS void
 LANGUAGE plpgsql
AS $function$
begin
  update live_periods set ended_at = at, ended_by = artifact
   where destination_id = destination and project_id = project and ended_at is null
     and build_order is distinct from by_order;
  update live_periods set outdated_at = at, outdated_by = artifact
   where destination_id = destination and project_id = project and outdated_at is null
     and (by_order is null or build_order > by_order);
end
$function$
;
CREATE OR REPLACE FUNCTION public.follow_delivery_end()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
declare
  remaining text;
begin
  select case when p.doubt_moment > new.started_moment then p.doubt end into remaining
    from places p where p.destination_id = new.destination_id and p.project_id = new.project_id for update;
  if new.status = 'SUCCEEDED' then
    perform go_live(new.destination_id, new.project_id, new.artifact_id, new.build_order, new.release_id, new.ended_at, remaining);
  else
    perform interrupt_live_periods(new.destination_id, new.project_id, new.build_order, new.ended_at);
  end if;
  return null;
end
$function$
;
CREATE OR REPLACE FUNCTION public.follow_delivery_start()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
begin
  perform end_live_periods(new.destination_id, new.project_id, new.artifact_id, new.build_order, new.started_at);
  return null;
end
$function$
;
CREATE OR REPLACE FUNCTION public.follow_late_report()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
declare
  remaining text;
  why text;
begin
  select case when p.doubt_moment > new.started_moment then p.doubt end into remaining
    from places p where p.destination_id = new.destination_id and p.project_id = new.project_id for update;
  select a.slug || case new.late_status when 'SUCCEEDED' then ' succeeded' else ' failed' end || ' while another delivery ran'
    into why
    from artifacts a
   where a.id = new.artifact_id
     and exists (select from delivery_runs r
                  where r.destination_id = new.destination_id and r.project_id = new.project_id
                    and r.started_moment > new.started_moment);
  if new.late_status = 'SUCCEEDED' then
    perform go_live(new.destination_id, new.project_id, new.artifact_id, new.build_order, new.release_id, new.late_reported_at,
                    coalesce(remaining, why));
  end if;
  if why is not null and remaining is null then
    perform doubt_place(new.destination_id, new.project_id, why, new.started_moment, new.late_reported_at);
  end if;
  return null;
end
$function$
;
CREATE OR REPLACE FUNCTION public.follow_release()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
declare
  started boolean := new.status = 'RUNNING' and old.status in ('QUEUED', 'ASSIGNED')
                     or new.status = 'SUCCEEDED' and old.status in ('QUEUED', 'ASSIGNED');
begin
  if started then
    insert into places (destination_id, project_id) values (new.destination_id, new.project_id) on conflict do nothing;
    perform from places where destination_id = new.destination_id and project_id = new.project_id for update;
    insert into delivery_runs (release_id, run, destination_id, project_id, artifact_id, build_order, started_moment, started_at)
    select new.id, new.run, new.destination_id, new.project_id, new.artifact_id, a.build_order, nextval('moments'),
           coalesce(new.started_at, new.completed_at, clock_timestamp())
      from artifacts a where a.id = new.artifact_id
    on conflict do nothing;
  end if;
  if new.status in ('SUCCEEDED', 'FAILED', 'TIMED_OUT', 'CANCELLED') then
    -- One that started before 0020.
    if old.status = 'RUNNING' then
      insert into delivery_runs (release_id, run, destination_id, project_id, artifact_id, build_order, started_moment, started_at)
      select new.id, new.run, new.destination_id, new.project_id, new.artifact_id, a.build_order,
             moment_of(new.started_moment, new.started_at), new.started_at
        from artifacts a where a.id = new.artifact_id and new.started_at is not null
      on conflict do nothing;
    end if;
    update delivery_runs set status = new.status, ended_moment = nextval('moments'),
           ended_at = coalesce(new.completed_at, clock_timestamp()), reported = new.reported
     where release_id = new.id and run = new.run and status = 'RUNNING';
  end if;
  return null;
end
$function$
;
CREATE OR REPLACE FUNCTION public.gate_rules_version()
 RETURNS integer
 LANGUAGE sql
 IMMUTABLE
AS $function$select 3$function$
;
CREATE OR REPLACE FUNCTION public.go_live(destination uuid, project uuid, artifact uuid, by_order bigint, release uuid, at timestamp with time zone, new_doubt text)
 RETURNS void
 LANGUAGE plpgsql
AS $function$
declare
  now_moment bigint := nextval('moments');
  stays boolean := new_doubt is null
    and exists (select from places p where p.destination_id = destination and p.project_id = project
                   and p.live_artifact_id = artifact and p.doubt is null)
    and exists (select from live_periods l where l.destination_id = destination and l.project_id = project
                   and l.build_order = by_order and l.ended_at is null);
begin
  insert into places (destination_id, project_id, live_artifact_id, live_release_id, live_since, live_moment, doubt)
  values (destination, project, artifact, release, at, now_moment, new_doubt)
  on conflict (destination_id, project_id) do update
     -- A build that is deployed again has been live since before.
     set live_since = case when stays then places.live_since else excluded.live_since end,
         live_moment = case when stays then places.live_moment else excluded.live_moment end,
         live_artifact_id = excluded.live_artifact_id, live_release_id = excluded.live_release_id, doubt = excluded.doubt,
         doubt_moment = case when excluded.doubt is not null then places.doubt_moment end;
  perform end_live_periods(destination, project, artifact, by_order, at);
  if new_doubt is not null then
    perform interrupt_live_periods(destination, project, by_order, at);
    if artifact is not null then
      insert into doubtful_arrivals (destination_id, project_id, artifact_id, build_order, moment)
      values (destination, project, artifact, by_order, now_moment);
    end if;
  elsif artifact is not null
        and not exists (select from live_periods l
                         where l.destination_id = destination and l.project_id = project and l.build_order = by_order
                           and l.ended_at is null) then
    insert into live_periods (destination_id, project_id, artifact_id, build_order, began_at, began_moment)
    values (destination, project, artifact, by_order, at, now_moment);
  end if;
end
$function$
;
CREATE OR REPLACE FUNCTION public.history_canonical(value jsonb)
 RETURNS text
 LANGUAGE plpgsql
 IMMUTABLE PARALLEL SAFE STRICT
AS $function$
begin
  case jsonb_typeof(value)
    when 'object' then
      return '{' || coalesce((select string_agg(to_json(e.key)::text || ':' || history_canonical(e.value), ','
                                                order by history_key_order(e.key) collate "C")
                                from jsonb_each(value) as e), '') || '}';
    when 'array' then
      return '[' || coalesce((select string_agg(history_canonical(e.item), ',' order by e.n)
                                from jsonb_array_elements(value) with ordinality as e (item, n)), '') || ']';
    else
      return value::text;
  end case;
end
$function$
;
CREATE OR REPLACE FUNCTION public.history_content_hash(entry history)
 RETURNS bytea
 LANGUAGE plpgsql
 IMMUTABLE
AS $function$
declare
  utc timestamp := entry.at at time zone 'UTC';
  fields jsonb := jsonb_build_object(
    'organisation_id', entry.organisation_id,
    'project_id', entry.project_id,
    'release_intent_id', entry.release_intent_id,
    'at', case when date_trunc('milliseconds', utc) = utc then to_char(utc, 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')
               else to_char(utc, 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') end,
    'kind', entry.kind,
    'actor_id', entry.actor_id,
    'actor_username', entry.actor_username,
    'credential_id', entry.credential_id,
    'credential_kind', entry.credential_kind,
    'address', entry.address,
    'request_id', entry.request_id,
    'subject', entry.subject,
    'before', entry.before,
    'after', entry.after);
begin
  return sha256(convert_to(
    history_canonical((select jsonb_object_agg(f.key, f.value) from jsonb_each(fields) as f where f.value <> 'null')),
    'UTF8'));
end
$function$
;
CREATE OR REPLACE FUNCTION public.history_heads_follow()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
begin
  -- Within the trigger above, and nowhere else.
  if pg_trigger_depth() < 2 then
    raise exception 'the history is append-only: % of its heads refused', tg_op;
  end if;
  return new;
end
$function$
;
CREATE OR REPLACE FUNCTION public.history_is_append_only()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
begin
  raise exception 'the history is append-only: % refused', tg_op;
end
$function$
;
CREATE OR REPLACE FUNCTION public.history_key_order(key text)
 RETURNS text
 LANGUAGE sql
 IMMUTABLE PARALLEL SAFE STRICT
RETURN CASE WHEN (octet_length(key) = length(key)) THEN key ELSE regexp_replace(key, '([\uE000-\uFFFF])'::text, (chr(1114111) || '\1'::text), 'g'::text) END
;
CREATE OR REPLACE FUNCTION public.history_link()
 RETURNS trigger
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'public', 'pg_temp'
AS $function$
declare
  own_chain uuid := coalesce(new.organisation_id, '00000000-0000-0000-0000-000000000000');
begin
  new.content_hash := coalesce(new.content_hash, history_content_hash(new));
  loop
    update history_heads
       set sequence = sequence + 1, previous_hash = hash, hash = sha256(hash || int8send(sequence + 1) || new.content_hash)
     where chain = own_chain
    returning sequence, previous_hash, hash into new.sequence, new.previous_hash, new.hash;
    exit when found;
    insert into history_heads values (own_chain, 0, '', decode(repeat('00', 32), 'hex')) on conflict do nothing;
  end loop;
  new.id := nextval(pg_get_serial_sequence('history', 'id'));
  return new;
end
$function$
;
CREATE OR REPLACE FUNCTION public.interrupt_live_periods(destination uuid, project uuid, of_order bigint, at timestamp with time zone)
 RETURNS void
 LANGUAGE sql
AS $function$
  update live_periods set ended_at = coalesce(ended_at, at), outdated_at = coalesce(outdated_at, at)
   where destination_id = destination and project_id = project and build_order = of_order
     and (ended_at is null or outdated_at is null)
$function$
;
CREATE OR REPLACE FUNCTION public.keep_destination_revision()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
begin
  insert into destination_revisions (destination_id, environment_id, change, address, by)
  values (new.id, new.environment_id,
          case when tg_op = 'INSERT' then 'added' when new.deleted_at is not null then 'removed' else 'changed' end,
          tg_op = 'UPDATE' and new.deleted_at is null and old.metadata ->> 'url' is distinct from new.metadata ->> 'url',
          coalesce(current_setting('forage.changed_by', true), ''));
  return null;
end
$function$
;
CREATE OR REPLACE FUNCTION public.knows_source(a artifacts)
 RETURNS boolean
 LANGUAGE sql
 STABLE
AS $function$
  select exists (select from projects p join caller_roles r on r.organisation_id = p.organisation_id
                  where p.id = a.project_id
                    and r.user_id in (select source_users(a)
                                      union select user_id from artifact_authors
                                             where artifact_id = a.id and user_id <> a.created_by))
      or exists (select from projects p join users u on u.organisation_id = p.organisation_id
                  where p.id = a.project_id and u.kind = 'service' and lower(u.username) = any (source_texts(a)))
$function$
;
CREATE OR REPLACE FUNCTION public.memberships_are_for_people()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
begin
  if exists (select 1 from users where id = new.user_id and kind <> 'person') then
    raise exception 'a service account cannot be a member';
  end if;
  return new;
end
$function$
;
CREATE OR REPLACE FUNCTION public.moment_of(moment bigint, at timestamp with time zone)
 RETURNS bigint
 LANGUAGE sql
 IMMUTABLE
AS $function$
  select coalesce(moment, (extract(epoch from at) * 1000000)::bigint)
$function$
;
CREATE OR REPLACE FUNCTION public.note_address_change()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
begin
  perform note_changes(3::smallint, array(
    select m.organisation_id from memberships m where m.user_id in (old.user_id, new.user_id)));
  return null;
end
$function$
;
CREATE OR REPLACE FUNCTION public.note_author_change()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
begin
  perform note_changes(2::smallint, array(
    select a.project_id from artifacts a where a.id in (old.artifact_id, new.artifact_id)));
  return null;
end
$function$
;
CREATE OR REPLACE FUNCTION public.note_change_of_project()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
begin
  perform note_changes(2::smallint, array[old.id, new.id]);
  return null;
end
$function$
;
CREATE OR REPLACE FUNCTION public.note_changes(level smallint, ids uuid[])
 RETURNS void
 LANGUAGE sql
AS $function$
  insert into pending_changes (level, id) select level, i.id from unnest(ids) as i (id) where i.id is not null
  on conflict do nothing
$function$
;
CREATE OR REPLACE FUNCTION public.note_delivery_change()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
begin
  perform note_changes(1::smallint, array[old.release_intent_id, new.release_intent_id]);
  perform note_changes(2::smallint, array[old.project_id, new.project_id]);
  if (case when old.status in ('QUEUED', 'ASSIGNED', 'RUNNING') or old.occupied_until is not null then old.status end,
      old.destination_id, old.queued_at, old.started_at) is distinct from
     (case when new.status in ('QUEUED', 'ASSIGNED', 'RUNNING') or new.occupied_until is not null then new.status end,
      new.destination_id, new.queued_at, new.started_at) then
    perform note_changes(3::smallint, array(
      select p.organisation_id from projects p where p.id in (old.project_id, new.project_id)));
  end if;
  return null;
end
$function$
;
CREATE OR REPLACE FUNCTION public.note_intent_change()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
begin
  perform note_changes(1::smallint, array[old.id, new.id]);
  return null;
end
$function$
;
CREATE OR REPLACE FUNCTION public.note_organisation_change()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
begin
  perform note_changes(3::smallint, array[old.organisation_id, new.organisation_id]);
  return null;
end
$function$
;
CREATE OR REPLACE FUNCTION public.note_project_change()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
begin
  perform note_changes(2::smallint, array[old.project_id, new.project_id]);
  return null;
end
$function$
;
CREATE OR REPLACE FUNCTION public.note_release_change()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
begin
  perform note_changes(1::smallint, array[old.release_intent_id, new.release_intent_id]);
  return null;
end
$function$
;
CREATE OR REPLACE FUNCTION public.note_user_change()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
begin
  perform note_changes(3::smallint, array(select o.id from organisations o));
  return null;
end
$function$
;
CREATE OR REPLACE FUNCTION public.occupy_destination()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
begin
  select nullif(new.completed_at + make_interval(secs => coalesce(d.grace_period_seconds,
                  case new.status when 'CANCELLED' then 300 else 60 end)), new.completed_at)
    into new.occupied_until
    from destinations d where d.id = new.destination_id;
  return new;
end
$function$
;
CREATE OR REPLACE FUNCTION public.raise_change_numbers()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
begin
  -- The first call has raised all of them; the others find their rows gone.
  perform from pending_changes p where p.transaction = new.transaction and p.level = new.level and p.id = new.id;
  if not found then
    return null;
  end if;
  with changed as (
    delete from pending_changes p where p.transaction = new.transaction returning p.level, p.id
  )
  insert into change_numbers as n (id, number)
  select c.id, (extract(epoch from clock_timestamp()) * 1000000)::bigint from changed c order by c.level, c.id
  on conflict (id) do update set number = greatest(n.number + 1, excluded.number);
  return null;
end
$function$
;
CREATE OR REPLACE FUNCTION public.raise_destination_revision()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
begin
  new.revision := old.revision + 1;
  return new;
end
$function$
;
CREATE OR REPLACE FUNCTION public.raise_version()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
begin
  new.version := old.version + 1;
  return new;
end
$function$
;
CREATE OR REPLACE FUNCTION public.refuse_same_name()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
declare
  scope uuid := (to_jsonb(new) ->> 'organisation_id')::uuid;
  taken text;
begin
  perform pg_advisory_xact_lock(hashtextextended(format('%s %s %s', tg_table_name, scope, lower(new.name)), 0));
  execute format('select name from %I where lower(name) = lower($1) and id <> $2 and %s order by name = $1 desc, name limit 1',
                 tg_table_name, tg_argv[1]) into taken using new.name, new.id, scope;
  if taken is not null then
    raise unique_violation using message = format('The name %s is taken (as %s)', new.name, taken),
      hint = case when taken = new.name then '' else taken end, constraint = tg_argv[0], table = tg_table_name;
  end if;
  return new;
end
$function$
;
CREATE OR REPLACE FUNCTION public.require_admin(organisation uuid, caller uuid)
 RETURNS void
 LANGUAGE plpgsql
AS $function$
begin
  perform from memberships m
    where m.organisation_id = organisation and m.user_id = caller and m.role = 'admin' for share;
  if not found then
    raise exception 'the caller is no admin of the organisation' using errcode = 'FG001';
  end if;
end
$function$
;
CREATE OR REPLACE FUNCTION public.require_admin(organisation uuid, caller uuid, credential uuid)
 RETURNS void
 LANGUAGE plpgsql
AS $function$
begin
  perform require_admin(organisation, caller);
  perform from credentials c where c.id = credential and c.revoked_at is null for share;
  if not found then
    raise exception 'the credential of the caller has been ended' using errcode = 'FG002';
  end if;
end
$function$
;
CREATE OR REPLACE FUNCTION public.seen_by_current_rules()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
begin
  if new.status = 'ACTIVE' and not applies_current_rules() then
    new.seen_generation := old.seen_generation;
  end if;
  return new;
end
$function$
;
CREATE OR REPLACE FUNCTION public.set_admin_moment()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
begin
  new.admin_moment := case when new.role = 'admin' then nextval('moments') end;
  return new;
end
$function$
;
CREATE OR REPLACE FUNCTION public.set_build_order()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
begin
  -- Two annotations of one new commit at the same time get one order.
  perform pg_advisory_xact_lock(hashtextextended(new.project_id || ' ' || new.commit_sha, 0));
  new.build_order := coalesce(
    (select min(coalesce(a.build_order, moment_of(a.moment, a.created_at)))
       from artifacts a where a.project_id = new.project_id and a.commit_sha = new.commit_sha),
    new.moment);
  return new;
end
$function$
;
CREATE OR REPLACE FUNCTION public.set_plan_digest()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
begin
  new.plan_digest := encode(sha256(convert_to(new.plan_output, 'UTF8')), 'hex');
  return new;
end
$function$
;
CREATE OR REPLACE FUNCTION public.set_started_moment()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
begin
  new.started_moment := nextval('moments');
  return new;
end
$function$
;
CREATE OR REPLACE FUNCTION public.set_vote_moment()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
begin
  new.moment := nextval('moments');
  return new;
end
$function$
;
CREATE OR REPLACE FUNCTION public.soak_record(project uuid, environment text, seconds double precision, newer_builds_count boolean, at timestamp with time zone, OUT builds integer, OUT kept integer)
 RETURNS record
 LANGUAGE sql
 STABLE
AS $function$
  with destination as (
    select d.id from projects p
      join environments e on e.organisation_id = p.organisation_id and e.name = environment
      join destinations d on d.environment_id = e.id and d.deleted_at is null
     where p.id = project
  ), build as (
    select count(distinct l.destination_id)
             filter (where coalesce(case when newer_builds_count then l.outdated_at else l.ended_at end, at) - l.began_at
                           >= make_interval(secs => seconds)) = (select count(*) from destination) as is_kept
      from live_periods l
      join destination d on d.id = l.destination_id
     where l.project_id = project
       and l.began_at between at - interval '14 days' - make_interval(secs => seconds) and at - make_interval(secs => seconds)
     group by l.build_order
  )
  select count(*)::int, (count(*) filter (where is_kept))::int from build
$function$
;
CREATE OR REPLACE FUNCTION public.source_texts(a artifacts)
 RETURNS text[]
 LANGUAGE sql
 IMMUTABLE
AS $function$
  select array[lower(btrim(a.source_user)), lower(btrim(a.source_email)),
               lower(substring(a.source_user from '<\s*([^<>]*?)\s*>\s*$')),
               lower(substring(a.source_email from '<\s*([^<>]*?)\s*>\s*$'))]
$function$
;
CREATE OR REPLACE FUNCTION public.source_users(a artifacts)
 RETURNS SETOF uuid
 LANGUAGE sql
 STABLE
AS $function$
  select u.id from users u where u.id = a.source_user_id
  union
  select u.id from users u where u.kind = 'person' and lower(u.username) = any (source_texts(a))
  union
  select u.id from users u where u.email is not null and lower(u.email) = any (source_texts(a))
  union
  select c.user_id from commit_addresses c where lower(c.address) = any (source_texts(a))
$function$
;
CREATE OR REPLACE FUNCTION public.stage_organisation()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
begin
  select p.organisation_id into new.organisation_id
    from release_intents i join projects p on p.id = i.project_id
   where i.id = new.release_intent_id;
  return new;
end
$function$
;
CREATE OR REPLACE FUNCTION public.start_by_current_rules()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
begin
  if not applies_current_rules() then
    raise exception 'a release cannot be started by older rules of the gate' using errcode = 'FG003';
  end if;
  return new;
end
$function$
;
CREATE OR REPLACE FUNCTION public.store_authors()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
begin
  insert into artifact_authors (artifact_id, user_id)
  select new.id, new.created_by union select new.id, n.user_id from source_users(new) as n (user_id) where new.source_names;
  return null;
end
$function$
;
CREATE OR REPLACE FUNCTION public.valid_until(c credentials)
 RETURNS timestamp with time zone
 LANGUAGE sql
 STABLE
AS $function$
  select case
    when c.revoked_at is not null then '-infinity'
    when c.kind = 'session' then
      least(c.expires_at, coalesce(c.last_used_at, c.created_at) + make_interval(secs => coalesce(c.idle_seconds, 43200)))
    else coalesce(c.expires_at, 'infinity')
  end
$function$
;

CREATE VIEW arrivals AS
 SELECT live_periods.destination_id,
    live_periods.project_id,
    live_periods.artifact_id,
    live_periods.build_order,
    live_periods.began_moment AS moment
   FROM live_periods
UNION ALL
 SELECT doubtful_arrivals.destination_id,
    doubtful_arrivals.project_id,
    doubtful_arrivals.artifact_id,
    doubtful_arrivals.build_order,
    doubtful_arrivals.moment
   FROM doubtful_arrivals;
CREATE VIEW artifact_arrivals AS
 SELECT a.id AS artifact_id,
    e.name AS environment,
    d.id AS destination_id,
    d.name AS destination_name,
    ( SELECT max(r.completed_at) AS max
           FROM releases r
          WHERE r.artifact_id = a.id AND r.destination_id = d.id AND r.status = 'SUCCEEDED'::text AND r.mode = 'deploy'::text) AS last_succeeded_at
   FROM artifacts a
     JOIN projects p ON p.id = a.project_id
     JOIN environments e ON e.organisation_id = p.organisation_id
     LEFT JOIN destinations d ON d.environment_id = e.id AND d.deleted_at IS NULL;
CREATE VIEW artifact_soaks AS
 SELECT id AS artifact_id,
    ( SELECT COALESCE(json_agg(json_build_object('environment', e.environment, 'places', e.places)), '[]'::json) AS "coalesce"
           FROM build_environments e
          WHERE e.artifact_id = a.id AND (e.environment IN ( SELECT c.environment
                   FROM soak_sources c
                  WHERE c.project_id = a.project_id))) AS environments
   FROM artifacts a;
CREATE VIEW artifact_source_members AS
 SELECT a.id AS artifact_id,
    n.id AS user_id,
    n.username
   FROM artifacts a
     JOIN projects p ON p.id = a.project_id
     CROSS JOIN LATERAL authors_of(a.*) w(user_id)
     JOIN users n ON n.id = w.user_id
     JOIN memberships m ON m.organisation_id = p.organisation_id AND m.user_id = n.id;
CREATE VIEW build_attempts AS
 SELECT a.id AS artifact_id,
    d.id AS destination_id,
    ARRAY( SELECT DISTINCT o.status
           FROM releases o
          WHERE o.destination_id = d.id AND o.artifact_id = a.id AND o.mode = 'deploy'::text AND (o.status = ANY (ARRAY['QUEUED'::text, 'ASSIGNED'::text, 'RUNNING'::text]))) AS open,
    (EXISTS ( SELECT
           FROM releases s
          WHERE s.artifact_id = a.id AND s.destination_id = d.id AND s.mode = 'deploy'::text AND s.status = 'SUCCEEDED'::text)) OR (EXISTS ( SELECT
           FROM live_periods l
          WHERE l.artifact_id = a.id AND l.destination_id = d.id)) AS was_live,
    ( SELECT l.id
           FROM releases l
          WHERE l.artifact_id = a.id AND l.destination_id = d.id AND l.mode = 'deploy'::text
          ORDER BY l.queued_at DESC, l.id DESC
         LIMIT 1) AS last_release_id
   FROM artifacts a
     JOIN projects p ON p.id = a.project_id
     JOIN destinations d ON d.organisation_id = p.organisation_id;
CREATE VIEW build_environments AS
 SELECT a.id AS artifact_id,
    e.name AS environment,
    ( SELECT COALESCE(json_agg(json_build_object('id', q.destination_id, 'name', q.destination_name, 'live', q.live, 'doubt', q.doubt, 'failures', q.failures, 'inFlight', q.in_flight, 'lastStart', q.last_start, 'revision', q.revision, 'periods', ( SELECT COALESCE(json_agg(json_build_object('beganAt', l.began_at, 'endedAt', l.ended_at, 'endedBy', eb.slug, 'outdatedAt', l.outdated_at, 'outdatedBy', ob.slug) ORDER BY l.began_moment DESC), '[]'::json) AS "coalesce"
                   FROM ( SELECT l_1.id,
                            l_1.destination_id,
                            l_1.project_id,
                            l_1.artifact_id,
                            l_1.build_order,
                            l_1.began_at,
                            l_1.began_moment,
                            l_1.ended_at,
                            l_1.ended_by,
                            l_1.outdated_at,
                            l_1.outdated_by
                           FROM live_periods l_1
                          WHERE l_1.destination_id = q.destination_id AND l_1.project_id = a.project_id AND l_1.build_order = a.build_order
                          ORDER BY l_1.began_moment DESC
                         LIMIT 50) l
                     LEFT JOIN artifacts eb ON eb.id = l.ended_by
                     LEFT JOIN artifacts ob ON ob.id = l.outdated_by), 'otherNewer', ( SELECT json_build_object('slug', b.slug, 'branch', b.branch, 'moment', l.moment) AS json_build_object
                   FROM arrivals l
                     JOIN artifacts b ON b.id = l.artifact_id
                  WHERE l.destination_id = q.destination_id AND l.project_id = a.project_id AND l.build_order > a.build_order AND b.branch <> a.branch
                  ORDER BY l.moment DESC
                 LIMIT 1)) ORDER BY q.destination_name), '[]'::json) AS "coalesce"
           FROM place_states q
          WHERE q.project_id = a.project_id AND q.environment = e.name) AS places
   FROM artifacts a
     JOIN projects p ON p.id = a.project_id
     JOIN environments e ON e.organisation_id = p.organisation_id;
CREATE VIEW caller_roles AS
 SELECT memberships.organisation_id,
    memberships.user_id,
    memberships.role
   FROM memberships
UNION ALL
 SELECT users.organisation_id,
    users.id AS user_id,
    'service'::text AS role
   FROM users
  WHERE users.kind = 'service'::text AND users.deleted_at IS NULL;
CREATE VIEW callers AS
 SELECT c.secret_hash,
    valid_until(c.*) AS valid_until,
    c.id AS credential_id,
    c.kind AS credential_kind,
    c.scopes,
    c.last_used_at,
    u.id AS user_id,
    u.username
   FROM credentials c
     JOIN users u ON u.id = c.user_id
  WHERE (c.kind = ANY (ARRAY['session'::text, 'access'::text, 'personal'::text, 'service'::text])) AND u.deleted_at IS NULL;
CREATE VIEW delivery_states AS
 SELECT r.id AS "releaseId",
    r.artifact_id AS "artifactId",
    a.slug,
    r.release_intent_id AS "intentId",
    r.stage_id AS "stageId",
    r.status,
    r.error_message AS "errorMessage",
    r.queued_at AS "queuedAt",
    r.assigned_at AS "assignedAt",
    r.started_at AS "startedAt",
    r.completed_at AS "completedAt",
        CASE
            WHEN r.status = 'QUEUED'::text THEN ( SELECT count(*)::integer AS count
               FROM releases q
              WHERE q.destination_id = r.destination_id AND q.status = 'QUEUED'::text AND ((ROW(q.queued_at, q.id) <= ROW(r.queued_at, r.id))))
            ELSE NULL::integer
        END AS "queuePosition",
    ( SELECT u.late_status
           FROM delivery_runs u
          WHERE u.release_id = r.id AND u.run = r.run) AS "lateStatus"
   FROM releases r
     JOIN artifacts a ON a.id = r.artifact_id;
CREATE VIEW destination_details AS
 SELECT d.organisation_id AS "organisationId",
    d.id AS "destinationId",
    d.name AS "destinationName",
    e.name AS environment,
    e.sort_order AS "sortOrder",
    (((d.type_organisation || '/'::text) || d.type_name) || '@'::text) || d.type_version AS "destinationType"
   FROM destinations d
     JOIN environments e ON e.id = d.environment_id
  WHERE d.deleted_at IS NULL;
CREATE VIEW destination_queues AS
 SELECT id AS destination_id,
    ( SELECT COALESCE(json_agg(json_build_object('releaseId', r.id, 'intentId', r.release_intent_id, 'artifactId', r.artifact_id, 'slug', a.slug, 'status', r.status, 'startedAt', r.started_at, 'project', p.name, 'queuePosition',
                CASE
                    WHEN r.status = 'QUEUED'::text THEN r."position"
                    ELSE 0::bigint
                END) ORDER BY (r.status = 'QUEUED'::text), r.queued_at, r.id), '[]'::json) AS "coalesce"
           FROM ( SELECT o.id,
                    o.release_intent_id,
                    o.stage_id,
                    o.project_id,
                    o.artifact_id,
                    o.destination_id,
                    o.destination_name,
                    o.environment,
                    o.mode,
                    o.status,
                    o.error_message,
                    o.plan_output,
                    o.attempt,
                    o.lease_owner,
                    o.lease_until,
                    o.deadline_at,
                    o.queued_at,
                    o.assigned_at,
                    o.started_at,
                    o.completed_at,
                    o.run,
                    o.started_moment,
                    o.plan_digest,
                    o.reported,
                    o.occupied_until,
                    count(*) FILTER (WHERE o.status = 'QUEUED'::text) OVER (ORDER BY o.queued_at, o.id) AS "position"
                   FROM releases o
                  WHERE o.destination_id = d.id AND ((o.status = ANY (ARRAY['QUEUED'::text, 'ASSIGNED'::text, 'RUNNING'::text])) OR o.occupied_until IS NOT NULL)
                  ORDER BY (o.status = 'QUEUED'::text), o.queued_at, o.id
                 LIMIT 25) r
             JOIN artifacts a ON a.id = r.artifact_id
             JOIN projects p ON p.id = r.project_id
          WHERE r.mode = 'deploy'::text) AS in_flight
   FROM destinations d;
CREATE VIEW fellow_members AS
 SELECT mine.user_id,
    mine.role,
    theirs.user_id AS fellow_id
   FROM memberships mine
     JOIN memberships theirs ON theirs.organisation_id = mine.organisation_id;
CREATE VIEW place_states AS
 SELECT p.id AS project_id,
    d.id AS destination_id,
    d.name AS destination_name,
    e.name AS environment,
    p.organisation_id,
    d.grace_period_seconds,
    pl.live_artifact_id,
    COALESCE(pl.live_moment, 0::bigint) AS live_moment,
    pl.doubt,
    ( SELECT json_build_object('artifactId', a.id, 'slug', a.slug, 'title', a.title, 'version', a.version, 'commitSha', a.commit_sha, 'branch', a.branch, 'order', a.build_order, 'since', pl.live_since, 'moment', pl.live_moment, 'releaseId', pl.live_release_id, 'intentId', r.release_intent_id, 'approvedBy', COALESCE(s.approved_by, '{}'::text[])) AS json_build_object
           FROM artifacts a
             LEFT JOIN releases r ON r.id = pl.live_release_id
             LEFT JOIN stages s ON s.release_intent_id = r.release_intent_id AND s.id = r.stage_id
          WHERE a.id = pl.live_artifact_id) AS live,
    ( SELECT COALESCE(json_agg(json_build_object('releaseId', u.release_id, 'artifactId', u.artifact_id, 'slug', a.slug, 'branch', a.branch, 'order', u.build_order, 'status', u.status, 'endedAt', u.ended_at, 'endedMoment', u.ended_moment, 'reported', u.reported) ORDER BY u.started_moment DESC), '[]'::json) AS "coalesce"
           FROM delivery_runs u
             JOIN artifacts a ON a.id = u.artifact_id
          WHERE u.destination_id = d.id AND u.project_id = p.id AND u.started_moment > COALESCE(( SELECT max(l.started_moment) AS max
                   FROM delivery_runs l
                  WHERE l.release_id = pl.live_release_id), pl.live_moment, 0::bigint) AND (u.status = ANY (ARRAY['FAILED'::text, 'TIMED_OUT'::text, 'CANCELLED'::text])) AND u.late_status IS NULL) AS failures,
    ( SELECT COALESCE(json_agg(json_build_object('releaseId', r.id, 'intentId', r.release_intent_id, 'artifactId', r.artifact_id, 'slug', a.slug, 'branch', a.branch, 'order', a.build_order, 'status', r.status, 'isOpen', s.status = 'ACTIVE'::text, 'intentMoment', moment_of(i.moment, i.created_at), 'occupiedUntil', r.occupied_until, 'queuedAt', r.queued_at, 'startedAt', r.started_at) ORDER BY r.queued_at, r.id), '[]'::json) AS "coalesce"
           FROM releases r
             JOIN artifacts a ON a.id = r.artifact_id
             JOIN stages s ON s.release_intent_id = r.release_intent_id AND s.id = r.stage_id
             JOIN release_intents i ON i.id = r.release_intent_id
          WHERE r.destination_id = d.id AND r.project_id = p.id AND r.mode = 'deploy'::text AND ((r.status = ANY (ARRAY['QUEUED'::text, 'ASSIGNED'::text, 'RUNNING'::text])) OR r.occupied_until IS NOT NULL)) AS in_flight,
    ( SELECT max(u.started_moment) AS max
           FROM delivery_runs u
          WHERE u.destination_id = d.id AND u.project_id = p.id) AS last_start,
    d.revision
   FROM projects p
     JOIN environments e ON e.organisation_id = p.organisation_id
     JOIN destinations d ON d.environment_id = e.id AND d.deleted_at IS NULL
     LEFT JOIN places pl ON pl.destination_id = d.id AND pl.project_id = p.id;
CREATE VIEW project_gates AS
 SELECT id AS project_id,
    ( SELECT COALESCE(json_agg(json_build_object('id', pol.id, 'name', pol.name, 'type', pol.type, 'targetEnvironment', pol.target_environment, 'config', pol.config)), '[]'::json) AS "coalesce"
           FROM policies pol
          WHERE pol.project_id = p.id AND pol.enabled) AS policies,
    ( SELECT COALESCE(json_agg(json_build_object('userId', u.id, 'username', u.username, 'role', m.role) ORDER BY u.username, u.id), '[]'::json) AS "coalesce"
           FROM memberships m
             JOIN users u ON u.id = m.user_id
          WHERE m.organisation_id = p.organisation_id) AS members,
    ( SELECT COALESCE(json_agg(json_build_object('name', e.name, 'destinations', ( SELECT count(*) AS count
                   FROM destinations d
                  WHERE d.environment_id = e.id AND d.deleted_at IS NULL))), '[]'::json) AS "coalesce"
           FROM environments e
          WHERE e.organisation_id = p.organisation_id) AS environments,
    ( SELECT COALESCE(json_agg(latest.branch ORDER BY latest.created_at DESC, latest.id DESC) FILTER (WHERE latest.branch IS NOT NULL), '[]'::json) AS "coalesce"
           FROM ( SELECT a.branch,
                    a.created_at,
                    a.id
                   FROM artifacts a
                  WHERE a.project_id = p.id
                  ORDER BY a.created_at DESC, a.id DESC
                 LIMIT 50) latest) AS branches
   FROM projects p;
CREATE VIEW release_authors AS
 SELECT i.id AS release_intent_id,
    n.id AS user_id,
    n.username
   FROM release_intents i
     JOIN artifacts a ON a.id = i.artifact_id
     JOIN projects p ON p.id = i.project_id
     CROSS JOIN LATERAL ( SELECT i.actor_id
        UNION
         SELECT authors_of.authors_of
           FROM authors_of(a.*) authors_of(authors_of)) w(user_id)
     JOIN users n ON n.id = w.user_id
  WHERE n.id = i.actor_id OR n.id = a.created_by OR a.source_names AND n.id = a.source_user_id OR (EXISTS ( SELECT
           FROM memberships m
          WHERE m.organisation_id = p.organisation_id AND m.user_id = n.id));
CREATE VIEW release_change_numbers AS
 SELECT i.id AS release_intent_id,
    i.project_id,
    concat_ws('.'::text, COALESCE(r.number, 0::bigint), COALESCE(pn.number, 0::bigint), COALESCE(o.number, 0::bigint)) AS numbers
   FROM release_intents i
     JOIN projects p ON p.id = i.project_id
     LEFT JOIN change_numbers r ON r.id = i.id
     LEFT JOIN change_numbers pn ON pn.id = p.id
     LEFT JOIN change_numbers o ON o.id = p.organisation_id;
CREATE VIEW release_destination_changes AS
 SELECT id AS release_intent_id,
    ( SELECT COALESCE(json_agg(json_build_object('environment', c.environment, 'destinationId', c.destination_id, 'destination', c.name, 'change', c.change, 'address', c.address, 'by', c.by, 'at', c.at, 'moment', c.moment) ORDER BY c.moment), '[]'::json) AS "coalesce"
           FROM ( SELECT DISTINCT ON (r.destination_id, r.change, r.address) e.name AS environment,
                    d.name,
                    r.destination_id,
                    r.environment_id,
                    r.moment,
                    r.at,
                    r.change,
                    r.address,
                    r.by
                   FROM ( SELECT v.target_environment AS name,
                            min(moment_of(v.moment, v.created_at)) AS moment
                           FROM approval_decisions v
                          WHERE v.release_intent_id = i.id
                          GROUP BY v.target_environment) first
                     JOIN projects p ON p.id = i.project_id
                     JOIN environments e ON e.organisation_id = p.organisation_id AND e.name = first.name
                     CROSS JOIN LATERAL ( SELECT s.destination_id,
                            s.environment_id,
                            s.moment,
                            s.at,
                            s.change,
                            s.address,
                            s.by
                           FROM destination_revisions s
                          WHERE s.environment_id = e.id AND s.moment > first.moment
                         OFFSET 0) r
                     JOIN destinations d ON d.id = r.destination_id
                  ORDER BY r.destination_id, r.change, r.address, r.moment DESC) c) AS changes
   FROM release_intents i;
CREATE VIEW release_intent_facts AS
 SELECT s.id,
    s."organisationId",
    s."projectId",
    s.project,
    s."artifactId",
    s.slug,
    s.title,
    s.branch,
    s."commitSha",
    s.version,
    s."actorId",
    s."actorUsername",
    s.authors,
    s.force,
    s."prepareOnly",
    s.status,
    s."errorMessage",
    s."wantedGeneration",
    s."seenGeneration",
    s."nextCheckAt",
    s."createdAt",
    s."completedAt",
    s.stages,
    s.steps,
    g.policies,
    ( SELECT COALESCE(json_agg(json_build_object('environment', d.target_environment, 'userId', d.user_id, 'username', d.username, 'decision', d.decision, 'bypass', d.bypass, 'comment', d.comment, 'decidedAt', d.created_at, 'role', m.role, 'moment', moment_of(d.moment, d.created_at), 'memberSince', COALESCE(m.moment, 0::bigint), 'adminSince',
                CASE
                    WHEN m.role = 'admin'::text THEN COALESCE(m.admin_moment, 0::bigint)
                    ELSE NULL::bigint
                END) ORDER BY d.created_at, d.user_id), '[]'::json) AS "coalesce"
           FROM approval_decisions d
             LEFT JOIN memberships m ON m.organisation_id = s."organisationId" AND m.user_id = d.user_id
          WHERE d.release_intent_id = s.id) AS votes,
    ( SELECT COALESCE(json_agg(json_build_object('environment', r.environment, 'id', r.destination_id, 'name', r.destination_name, 'lastSucceededAt', r.last_succeeded_at) ORDER BY r.destination_name), '[]'::json) AS "coalesce"
           FROM artifact_arrivals r
          WHERE r.artifact_id = s."artifactId" AND ((r.environment IN ( SELECT t.environment
                   FROM stages t
                  WHERE t.release_intent_id = s.id)) OR (r.environment IN ( SELECT c.environment
                   FROM soak_sources c
                  WHERE c.project_id = s."projectId")))) AS destinations,
    s.moment,
    s."buildOrder",
    s."actorKind",
    ( SELECT COALESCE(json_agg(json_build_object('environment', e.environment, 'places', e.places)), '[]'::json) AS "coalesce"
           FROM build_environments e
          WHERE e.artifact_id = s."artifactId" AND ((e.environment IN ( SELECT t.environment
                   FROM stages t
                  WHERE t.release_intent_id = s.id)) OR (e.environment IN ( SELECT c.environment
                   FROM soak_sources c
                  WHERE c.project_id = s."projectId")))) AS places,
    ( SELECT COALESCE(json_agg(json_build_object('environment', h.environment, 'intentId', h.release_intent_id, 'slug', b.slug, 'order', h.build_order, 'username', h.username, 'beganAt', h.began_at, 'moment', h.began_moment, 'endedAt', h.ended_at)), '[]'::json) AS "coalesce"
           FROM ( SELECT DISTINCT ON (h_1.environment, (h_1.release_intent_id = s.id), (h_1.ended_at IS NULL)) h_1.id,
                    h_1.project_id,
                    h_1.environment,
                    h_1.release_intent_id,
                    h_1.artifact_id,
                    h_1.build_order,
                    h_1.username,
                    h_1.began_at,
                    h_1.began_moment,
                    h_1.ended_at
                   FROM holds h_1
                  WHERE h_1.project_id = s."projectId" AND (h_1.environment IN ( SELECT t.environment
                           FROM stages t
                          WHERE t.release_intent_id = s.id))
                  ORDER BY h_1.environment, (h_1.release_intent_id = s.id), (h_1.ended_at IS NULL), h_1.began_moment DESC) h
             JOIN artifacts b ON b.id = h.artifact_id) AS holds
   FROM release_intent_states s
     JOIN project_gates g ON g.project_id = s."projectId";
CREATE VIEW release_intent_states AS
 SELECT i.id,
    p.organisation_id AS "organisationId",
    i.project_id AS "projectId",
    p.name AS project,
    i.artifact_id AS "artifactId",
    a.slug,
    a.title,
    a.branch,
    a.commit_sha AS "commitSha",
    a.version,
    i.actor_id AS "actorId",
    u.username AS "actorUsername",
    ( SELECT COALESCE(json_agg(json_build_object('userId', r.user_id, 'username', r.username) ORDER BY (r.user_id <> i.actor_id), r.username, r.user_id), '[]'::json) AS "coalesce"
           FROM release_authors r
          WHERE r.release_intent_id = i.id) AS authors,
    i.force,
    i.prepare_only AS "prepareOnly",
    i.status,
    i.error_message AS "errorMessage",
    i.wanted_generation AS "wantedGeneration",
    i.seen_generation AS "seenGeneration",
    i.next_check_at AS "nextCheckAt",
    i.created_at AS "createdAt",
    i.completed_at AS "completedAt",
    ( SELECT COALESCE(json_agg(json_build_object('id', s.id, 'type', s.type, 'dependsOn', s.depends_on, 'environment', s.environment, 'durationSeconds', s.duration_seconds, 'autoApprove', s.auto_approve, 'onlyDestinations', s.only_destinations, 'status', s.status, 'reason', s.reason, 'errorMessage', s.error_message, 'queuedAt', s.queued_at, 'startedAt', s.started_at, 'completedAt', s.completed_at, 'waitUntil', s.wait_until, 'nextCheckAt', s.next_check_at, 'planApproval', s.plan_approval, 'skipped', s.skipped, 'supersededBy', ( SELECT json_build_object('artifactId', b.id, 'slug', b.slug, 'intentId', s.superseded_by_intent) AS json_build_object
                   FROM artifacts b
                  WHERE b.id = s.superseded_by), 'alreadyLive', s.already_live, 'openedVerdicts', s.opened_verdicts, 'planRun', s.plan_run, 'planRunAt', s.plan_run_at, 'approvedPlan', s.approved_plan) ORDER BY s."position"), '[]'::json) AS "coalesce"
           FROM stages s
          WHERE s.release_intent_id = i.id) AS stages,
    ( SELECT COALESCE(json_agg(json_build_object('id', r.id, 'stageId', r.stage_id, 'destinationId', r.destination_id, 'destinationName', r.destination_name, 'environment', r.environment, 'status', r.status, 'mode', r.mode, 'attempt', r.attempt, 'destinationType', (((d.type_organisation || '/'::text) || d.type_name) || '@'::text) || d.type_version, 'errorMessage', r.error_message, 'queuedAt', r.queued_at, 'assignedAt', r.assigned_at, 'startedAt', r.started_at, 'completedAt', r.completed_at, 'run', r.run, 'startedMoment', r.started_moment, 'planDigest', r.plan_digest, 'destinationRevision', r.destination_revision, 'occupiedUntil', r.occupied_until, 'lateStatus', u_1.late_status, 'lateReportedAt', u_1.late_reported_at) ORDER BY r.queued_at, r.destination_name), '[]'::json) AS "coalesce"
           FROM releases r
             JOIN destinations d ON d.id = r.destination_id
             LEFT JOIN delivery_runs u_1 ON u_1.release_id = r.id AND u_1.run = r.run
          WHERE r.release_intent_id = i.id) AS steps,
    moment_of(i.moment, i.created_at) AS moment,
    a.build_order AS "buildOrder",
    u.kind AS "actorKind"
   FROM release_intents i
     JOIN projects p ON p.id = i.project_id
     JOIN artifacts a ON a.id = i.artifact_id
     JOIN users u ON u.id = i.actor_id;
CREATE VIEW soak_sources AS
 SELECT project_id,
    config ->> 'sourceEnvironment'::text AS environment
   FROM policies
  WHERE enabled AND type = 'soak_time'::text;

CREATE TRIGGER approval_decisions_moment BEFORE INSERT ON approval_decisions FOR EACH ROW WHEN (new.moment IS NULL) EXECUTE FUNCTION set_vote_moment();
CREATE TRIGGER approval_decisions_moment_update BEFORE UPDATE ON approval_decisions FOR EACH ROW WHEN (old.decision IS DISTINCT FROM new.decision OR old.bypass IS DISTINCT FROM new.bypass OR old.comment IS DISTINCT FROM new.comment OR old.created_at IS DISTINCT FROM new.created_at) EXECUTE FUNCTION set_vote_moment();
CREATE TRIGGER note_change AFTER INSERT OR DELETE ON approval_decisions FOR EACH ROW EXECUTE FUNCTION note_release_change();
CREATE TRIGGER note_update AFTER UPDATE ON approval_decisions FOR EACH ROW WHEN (old.* IS DISTINCT FROM new.*) EXECUTE FUNCTION note_release_change();
CREATE TRIGGER note_change AFTER INSERT OR DELETE ON artifact_authors FOR EACH ROW EXECUTE FUNCTION note_author_change();
CREATE TRIGGER note_update AFTER UPDATE ON artifact_authors FOR EACH ROW WHEN (old.* IS DISTINCT FROM new.*) EXECUTE FUNCTION note_author_change();
CREATE TRIGGER count_inserted AFTER INSERT ON artifact_files REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION count_file_bytes();
CREATE TRIGGER count_updated AFTER UPDATE ON artifact_files REFERENCING OLD TABLE AS replaced NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION count_file_bytes();
CREATE TRIGGER artifacts_authors AFTER INSERT ON artifacts FOR EACH ROW EXECUTE FUNCTION store_authors();
CREATE TRIGGER artifacts_build_order BEFORE INSERT ON artifacts FOR EACH ROW WHEN (new.build_order IS NULL) EXECUTE FUNCTION set_build_order();
CREATE TRIGGER artifacts_source_is_fixed BEFORE UPDATE ON artifacts FOR EACH ROW WHEN (old.source_user IS DISTINCT FROM new.source_user OR old.source_email IS DISTINCT FROM new.source_email OR old.source_user_id IS DISTINCT FROM new.source_user_id OR old.created_by IS DISTINCT FROM new.created_by) EXECUTE FUNCTION artifact_source_is_fixed();
CREATE TRIGGER note_change AFTER INSERT OR DELETE ON artifacts FOR EACH ROW EXECUTE FUNCTION note_project_change();
CREATE TRIGGER note_update AFTER UPDATE ON artifacts FOR EACH ROW WHEN (old.* IS DISTINCT FROM new.*) EXECUTE FUNCTION note_project_change();
CREATE TRIGGER note_change AFTER INSERT OR DELETE ON commit_addresses FOR EACH ROW EXECUTE FUNCTION note_address_change();
CREATE TRIGGER note_update AFTER UPDATE ON commit_addresses FOR EACH ROW WHEN (old.* IS DISTINCT FROM new.*) EXECUTE FUNCTION note_address_change();
CREATE TRIGGER delivery_runs_end AFTER UPDATE ON delivery_runs FOR EACH ROW WHEN (old.status = 'RUNNING'::text AND new.status <> 'RUNNING'::text) EXECUTE FUNCTION follow_delivery_end();
CREATE TRIGGER delivery_runs_late AFTER UPDATE ON delivery_runs FOR EACH ROW WHEN (old.late_status IS NULL AND new.late_status IS NOT NULL) EXECUTE FUNCTION follow_late_report();
CREATE TRIGGER delivery_runs_start AFTER INSERT ON delivery_runs FOR EACH ROW WHEN (new.status = 'RUNNING'::text) EXECUTE FUNCTION follow_delivery_start();
CREATE TRIGGER note_change AFTER INSERT OR DELETE ON delivery_runs FOR EACH ROW EXECUTE FUNCTION note_project_change();
CREATE TRIGGER note_update AFTER UPDATE ON delivery_runs FOR EACH ROW WHEN (old.* IS DISTINCT FROM new.*) EXECUTE FUNCTION note_project_change();
CREATE TRIGGER destinations_added AFTER INSERT ON destinations FOR EACH ROW EXECUTE FUNCTION keep_destination_revision();
CREATE TRIGGER destinations_changed AFTER UPDATE ON destinations FOR EACH ROW WHEN (old.revision <> new.revision OR old.deleted_at IS NULL AND new.deleted_at IS NOT NULL) EXECUTE FUNCTION keep_destination_revision();
CREATE TRIGGER destinations_revision BEFORE UPDATE ON destinations FOR EACH ROW WHEN (new.deleted_at IS NULL AND (old.type_organisation IS DISTINCT FROM new.type_organisation OR old.type_name IS DISTINCT FROM new.type_name OR old.type_version IS DISTINCT FROM new.type_version OR old.metadata IS DISTINCT FROM new.metadata)) EXECUTE FUNCTION raise_destination_revision();
CREATE TRIGGER note_change AFTER INSERT OR DELETE ON destinations FOR EACH ROW EXECUTE FUNCTION note_organisation_change();
CREATE TRIGGER note_update AFTER UPDATE ON destinations FOR EACH ROW WHEN (old.* IS DISTINCT FROM new.*) EXECUTE FUNCTION note_organisation_change();
CREATE TRIGGER refuse_same_name BEFORE INSERT OR UPDATE OF name ON destinations FOR EACH ROW EXECUTE FUNCTION refuse_same_name('destinations_name', 'organisation_id = $3 and deleted_at is null');
CREATE TRIGGER note_change AFTER INSERT OR DELETE ON environments FOR EACH ROW EXECUTE FUNCTION note_organisation_change();
CREATE TRIGGER note_update AFTER UPDATE ON environments FOR EACH ROW WHEN (old.* IS DISTINCT FROM new.*) EXECUTE FUNCTION note_organisation_change();
CREATE TRIGGER refuse_same_name BEFORE INSERT OR UPDATE OF name ON environments FOR EACH ROW EXECUTE FUNCTION refuse_same_name('environments_organisation_id_name_key', 'organisation_id = $3');
CREATE TRIGGER history_append_only BEFORE DELETE OR UPDATE ON history FOR EACH ROW EXECUTE FUNCTION history_is_append_only();
CREATE TRIGGER history_link BEFORE INSERT ON history FOR EACH ROW EXECUTE FUNCTION history_link();
CREATE TRIGGER history_no_truncate BEFORE TRUNCATE ON history FOR EACH STATEMENT EXECUTE FUNCTION history_is_append_only();
CREATE TRIGGER history_heads_follow BEFORE INSERT OR DELETE OR UPDATE ON history_heads FOR EACH ROW EXECUTE FUNCTION history_heads_follow();
CREATE TRIGGER history_heads_no_truncate BEFORE TRUNCATE ON history_heads FOR EACH STATEMENT EXECUTE FUNCTION history_is_append_only();
CREATE TRIGGER note_change AFTER INSERT OR DELETE ON holds FOR EACH ROW EXECUTE FUNCTION note_project_change();
CREATE TRIGGER note_update AFTER UPDATE ON holds FOR EACH ROW WHEN (old.* IS DISTINCT FROM new.*) EXECUTE FUNCTION note_project_change();
CREATE TRIGGER note_change AFTER INSERT OR DELETE ON live_periods FOR EACH ROW EXECUTE FUNCTION note_project_change();
CREATE TRIGGER note_update AFTER UPDATE ON live_periods FOR EACH ROW WHEN (old.* IS DISTINCT FROM new.*) EXECUTE FUNCTION note_project_change();
CREATE TRIGGER memberships_admin_moment BEFORE INSERT ON memberships FOR EACH ROW WHEN (new.admin_moment IS NULL) EXECUTE FUNCTION set_admin_moment();
CREATE TRIGGER memberships_admin_moment_update BEFORE UPDATE ON memberships FOR EACH ROW WHEN (old.role IS DISTINCT FROM new.role) EXECUTE FUNCTION set_admin_moment();
CREATE TRIGGER memberships_for_people BEFORE INSERT OR UPDATE OF user_id ON memberships FOR EACH ROW EXECUTE FUNCTION memberships_are_for_people();
CREATE TRIGGER note_change AFTER INSERT OR DELETE ON memberships FOR EACH ROW EXECUTE FUNCTION note_organisation_change();
CREATE TRIGGER note_update AFTER UPDATE ON memberships FOR EACH ROW WHEN (old.* IS DISTINCT FROM new.*) EXECUTE FUNCTION note_organisation_change();
CREATE TRIGGER refuse_same_name BEFORE INSERT OR UPDATE OF name ON organisations FOR EACH ROW EXECUTE FUNCTION refuse_same_name('organisations_name_key', '$3 is null');
CREATE CONSTRAINT TRIGGER raise_change_numbers AFTER INSERT ON pending_changes DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION raise_change_numbers();
CREATE TRIGGER note_change AFTER INSERT OR DELETE ON places FOR EACH ROW EXECUTE FUNCTION note_project_change();
CREATE TRIGGER note_update AFTER UPDATE ON places FOR EACH ROW WHEN (old.* IS DISTINCT FROM new.*) EXECUTE FUNCTION note_project_change();
CREATE TRIGGER note_change AFTER INSERT OR DELETE ON policies FOR EACH ROW EXECUTE FUNCTION note_project_change();
CREATE TRIGGER note_update AFTER UPDATE ON policies FOR EACH ROW WHEN (old.* IS DISTINCT FROM new.*) EXECUTE FUNCTION note_project_change();
CREATE TRIGGER policies_version BEFORE UPDATE ON policies FOR EACH ROW WHEN (old.* IS DISTINCT FROM new.*) EXECUTE FUNCTION raise_version();
CREATE TRIGGER note_change AFTER INSERT OR DELETE ON projects FOR EACH ROW EXECUTE FUNCTION note_change_of_project();
CREATE TRIGGER note_update AFTER UPDATE ON projects FOR EACH ROW WHEN (old.* IS DISTINCT FROM new.*) EXECUTE FUNCTION note_change_of_project();
CREATE TRIGGER refuse_same_name BEFORE INSERT OR UPDATE OF name ON projects FOR EACH ROW EXECUTE FUNCTION refuse_same_name('projects_organisation_id_name_key', 'organisation_id = $3');
CREATE TRIGGER note_change AFTER INSERT OR DELETE ON release_intents FOR EACH ROW EXECUTE FUNCTION note_intent_change();
CREATE TRIGGER note_update AFTER UPDATE ON release_intents FOR EACH ROW WHEN (old.project_id IS DISTINCT FROM new.project_id OR old.artifact_id IS DISTINCT FROM new.artifact_id OR old.actor_id IS DISTINCT FROM new.actor_id OR old.force IS DISTINCT FROM new.force OR old.prepare_only IS DISTINCT FROM new.prepare_only OR old.status IS DISTINCT FROM new.status OR old.error_message IS DISTINCT FROM new.error_message OR old.created_at IS DISTINCT FROM new.created_at OR old.completed_at IS DISTINCT FROM new.completed_at) EXECUTE FUNCTION note_intent_change();
CREATE TRIGGER release_intents_seen_by_current_rules BEFORE UPDATE ON release_intents FOR EACH ROW WHEN (new.seen_generation > old.seen_generation) EXECUTE FUNCTION seen_by_current_rules();
CREATE TRIGGER release_pipelines_version BEFORE UPDATE ON release_pipelines FOR EACH ROW WHEN (old.* IS DISTINCT FROM new.*) EXECUTE FUNCTION raise_version();
CREATE TRIGGER note_change AFTER INSERT OR DELETE ON releases FOR EACH ROW EXECUTE FUNCTION note_delivery_change();
CREATE TRIGGER note_update AFTER UPDATE ON releases FOR EACH ROW WHEN (old.release_intent_id IS DISTINCT FROM new.release_intent_id OR old.stage_id IS DISTINCT FROM new.stage_id OR old.project_id IS DISTINCT FROM new.project_id OR old.artifact_id IS DISTINCT FROM new.artifact_id OR old.destination_id IS DISTINCT FROM new.destination_id OR old.destination_name IS DISTINCT FROM new.destination_name OR old.environment IS DISTINCT FROM new.environment OR old.mode IS DISTINCT FROM new.mode OR old.status IS DISTINCT FROM new.status OR old.error_message IS DISTINCT FROM new.error_message OR old.attempt IS DISTINCT FROM new.attempt OR old.queued_at IS DISTINCT FROM new.queued_at OR old.assigned_at IS DISTINCT FROM new.assigned_at OR old.started_at IS DISTINCT FROM new.started_at OR old.completed_at IS DISTINCT FROM new.completed_at OR old.run IS DISTINCT FROM new.run OR old.occupied_until IS DISTINCT FROM new.occupied_until) EXECUTE FUNCTION note_delivery_change();
CREATE TRIGGER releases_follow AFTER UPDATE ON releases FOR EACH ROW WHEN (new.mode = 'deploy'::text AND old.status IS DISTINCT FROM new.status) EXECUTE FUNCTION follow_release();
CREATE TRIGGER releases_occupy BEFORE UPDATE ON releases FOR EACH ROW WHEN (old.status = 'RUNNING'::text AND (new.status = ANY (ARRAY['CANCELLED'::text, 'TIMED_OUT'::text])) AND new.mode = 'deploy'::text) EXECUTE FUNCTION occupy_destination();
CREATE TRIGGER releases_plan_digest BEFORE UPDATE ON releases FOR EACH ROW WHEN (new.plan_output IS DISTINCT FROM old.plan_output) EXECUTE FUNCTION set_plan_digest();
CREATE TRIGGER releases_start_by_current_rules BEFORE UPDATE ON releases FOR EACH ROW WHEN (old.status = 'QUEUED'::text AND (new.status = ANY (ARRAY['ASSIGNED'::text, 'RUNNING'::text, 'SUCCEEDED'::text]))) EXECUTE FUNCTION start_by_current_rules();
CREATE TRIGGER releases_started_moment BEFORE UPDATE ON releases FOR EACH ROW WHEN ((new.status = ANY (ARRAY['RUNNING'::text, 'SUCCEEDED'::text])) AND (old.status = ANY (ARRAY['QUEUED'::text, 'ASSIGNED'::text]))) EXECUTE FUNCTION set_started_moment();
CREATE TRIGGER note_change AFTER INSERT OR DELETE ON stages FOR EACH ROW EXECUTE FUNCTION note_release_change();
CREATE TRIGGER note_queue AFTER UPDATE ON stages FOR EACH ROW WHEN ((old.status = 'ACTIVE'::text) <> (new.status = 'ACTIVE'::text) AND (new.status = ANY (ARRAY['PENDING'::text, 'AWAITING_APPROVAL'::text, 'ACTIVE'::text]))) EXECUTE FUNCTION note_organisation_change();
CREATE TRIGGER note_update AFTER UPDATE ON stages FOR EACH ROW WHEN (old.* IS DISTINCT FROM new.*) EXECUTE FUNCTION note_release_change();
CREATE TRIGGER stages_organisation BEFORE INSERT ON stages FOR EACH ROW WHEN (new.organisation_id IS NULL) EXECUTE FUNCTION stage_organisation();
CREATE TRIGGER note_change AFTER DELETE ON users FOR EACH ROW EXECUTE FUNCTION note_user_change();
CREATE TRIGGER note_update AFTER UPDATE ON users FOR EACH ROW WHEN (old.username IS DISTINCT FROM new.username OR old.email IS DISTINCT FROM new.email OR old.kind IS DISTINCT FROM new.kind OR old.organisation_id IS DISTINCT FROM new.organisation_id) EXECUTE FUNCTION note_user_change();

ALTER TABLE history ENABLE ALWAYS TRIGGER history_append_only;
ALTER TABLE history ENABLE ALWAYS TRIGGER history_link;
ALTER TABLE history ENABLE ALWAYS TRIGGER history_no_truncate;
ALTER TABLE history_heads ENABLE ALWAYS TRIGGER history_heads_follow;
ALTER TABLE history_heads ENABLE ALWAYS TRIGGER history_heads_no_truncate;
