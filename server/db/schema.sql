-- Written by "npm run schema" from the migrations; do not edit.

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
  created_at timestamp with time zone NOT NULL DEFAULT now()
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
  created_at timestamp with time zone NOT NULL
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
  revoked_at timestamp with time zone
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
  deleted_at timestamp with time zone
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
  organisation_id uuid NOT NULL,
  project_id uuid,
  release_intent_id uuid,
  at timestamp with time zone NOT NULL,
  kind text NOT NULL,
  actor_id uuid,
  actor_username text NOT NULL,
  subject text NOT NULL,
  before jsonb,
  after jsonb
);

CREATE TABLE memberships (
  organisation_id uuid NOT NULL,
  user_id uuid NOT NULL,
  role text NOT NULL,
  joined_at timestamp with time zone NOT NULL
);

CREATE TABLE organisations (
  id uuid NOT NULL,
  name text NOT NULL,
  created_at timestamp with time zone NOT NULL
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
  updated_at timestamp with time zone NOT NULL
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
  completed_at timestamp with time zone
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
  updated_at timestamp with time zone NOT NULL
);

CREATE TABLE release_report_tokens (
  token_hash bytea NOT NULL,
  release_id uuid NOT NULL
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
  completed_at timestamp with time zone
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
  plan_approval text
);

CREATE TABLE users (
  id uuid NOT NULL,
  username text NOT NULL,
  email text,
  password_hash text,
  profile_picture_url text,
  created_at timestamp with time zone NOT NULL,
  updated_at timestamp with time zone NOT NULL
);


ALTER TABLE approval_decisions ADD CONSTRAINT approval_decisions_pkey PRIMARY KEY (id);
ALTER TABLE approval_decisions ADD CONSTRAINT approval_decisions_check CHECK (((NOT bypass) OR (decision = 'approved'::text)));
ALTER TABLE approval_decisions ADD CONSTRAINT approval_decisions_decision_check CHECK ((decision = ANY (ARRAY['approved'::text, 'rejected'::text])));
ALTER TABLE artifact_files ADD CONSTRAINT artifact_files_pkey PRIMARY KEY (id);
ALTER TABLE artifact_files ADD CONSTRAINT artifact_files_upload_id_env_destination_category_file_name_key UNIQUE (upload_id, env, destination, category, file_name);
ALTER TABLE artifact_uploads ADD CONSTRAINT artifact_uploads_pkey PRIMARY KEY (id);
ALTER TABLE artifact_uploads ADD CONSTRAINT artifact_uploads_artifact_id_key UNIQUE (artifact_id);
ALTER TABLE artifacts ADD CONSTRAINT artifacts_pkey PRIMARY KEY (id);
ALTER TABLE artifacts ADD CONSTRAINT artifacts_slug_key UNIQUE (slug);
ALTER TABLE credentials ADD CONSTRAINT credentials_pkey PRIMARY KEY (id);
ALTER TABLE credentials ADD CONSTRAINT credentials_check CHECK (((user_id IS NULL) = (kind = 'set_up'::text)));
ALTER TABLE credentials ADD CONSTRAINT credentials_kind_check CHECK ((kind = ANY (ARRAY['session'::text, 'access'::text, 'refresh'::text, 'personal'::text, 'set_up'::text])));
ALTER TABLE credentials ADD CONSTRAINT credentials_secret_hash_key UNIQUE (secret_hash);
ALTER TABLE destinations ADD CONSTRAINT destinations_pkey PRIMARY KEY (id);
ALTER TABLE destinations ADD CONSTRAINT destinations_check CHECK (((environment_id IS NOT NULL) OR (deleted_at IS NOT NULL)));
ALTER TABLE environments ADD CONSTRAINT environments_pkey PRIMARY KEY (id);
ALTER TABLE environments ADD CONSTRAINT environments_organisation_id_name_key UNIQUE (organisation_id, name);
ALTER TABLE history ADD CONSTRAINT history_pkey PRIMARY KEY (id);
ALTER TABLE memberships ADD CONSTRAINT memberships_pkey PRIMARY KEY (organisation_id, user_id);
ALTER TABLE memberships ADD CONSTRAINT memberships_role_check CHECK ((role = ANY (ARRAY['member'::text, 'admin'::text])));
ALTER TABLE organisations ADD CONSTRAINT organisations_pkey PRIMARY KEY (id);
ALTER TABLE organisations ADD CONSTRAINT organisations_name_key UNIQUE (name);
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
ALTER TABLE stages ADD CONSTRAINT stages_pkey PRIMARY KEY (release_intent_id, id);
ALTER TABLE stages ADD CONSTRAINT stages_check CHECK (((environment IS NULL) = (type = 'wait'::text)));
ALTER TABLE stages ADD CONSTRAINT stages_check1 CHECK (((duration_seconds IS NULL) = (type <> 'wait'::text)));
ALTER TABLE stages ADD CONSTRAINT stages_plan_approval_check CHECK ((plan_approval = ANY (ARRAY['AWAITING'::text, 'APPROVED'::text, 'REJECTED'::text])));
ALTER TABLE stages ADD CONSTRAINT stages_status_check CHECK ((status = ANY (ARRAY['PENDING'::text, 'ACTIVE'::text, 'SUCCEEDED'::text, 'FAILED'::text, 'CANCELLED'::text, 'AWAITING_APPROVAL'::text])));
ALTER TABLE stages ADD CONSTRAINT stages_type_check CHECK ((type = ANY (ARRAY['deploy'::text, 'wait'::text, 'plan'::text])));
ALTER TABLE users ADD CONSTRAINT users_pkey PRIMARY KEY (id);
ALTER TABLE approval_decisions ADD CONSTRAINT approval_decisions_policy_id_fkey FOREIGN KEY (policy_id) REFERENCES policies(id) ON DELETE SET NULL;
ALTER TABLE approval_decisions ADD CONSTRAINT approval_decisions_release_intent_id_fkey FOREIGN KEY (release_intent_id) REFERENCES release_intents(id) ON DELETE CASCADE;
ALTER TABLE approval_decisions ADD CONSTRAINT approval_decisions_user_id_fkey FOREIGN KEY (user_id) REFERENCES users(id);
ALTER TABLE artifact_files ADD CONSTRAINT artifact_files_upload_id_fkey FOREIGN KEY (upload_id) REFERENCES artifact_uploads(id) ON DELETE CASCADE;
ALTER TABLE artifact_uploads ADD CONSTRAINT artifact_uploads_created_by_fkey FOREIGN KEY (created_by) REFERENCES users(id);
ALTER TABLE artifacts ADD CONSTRAINT artifacts_created_by_fkey FOREIGN KEY (created_by) REFERENCES users(id);
ALTER TABLE artifacts ADD CONSTRAINT artifacts_project_id_fkey FOREIGN KEY (project_id) REFERENCES projects(id) ON DELETE CASCADE;
ALTER TABLE artifacts ADD CONSTRAINT artifacts_source_user_id_fkey FOREIGN KEY (source_user_id) REFERENCES users(id) ON DELETE SET NULL;
ALTER TABLE credentials ADD CONSTRAINT credentials_user_id_fkey FOREIGN KEY (user_id) REFERENCES users(id) ON DELETE CASCADE;
ALTER TABLE destinations ADD CONSTRAINT destinations_environment_id_fkey FOREIGN KEY (environment_id) REFERENCES environments(id) ON DELETE SET NULL;
ALTER TABLE destinations ADD CONSTRAINT destinations_organisation_id_fkey FOREIGN KEY (organisation_id) REFERENCES organisations(id) ON DELETE CASCADE;
ALTER TABLE environments ADD CONSTRAINT environments_organisation_id_fkey FOREIGN KEY (organisation_id) REFERENCES organisations(id) ON DELETE CASCADE;
ALTER TABLE history ADD CONSTRAINT history_organisation_id_fkey FOREIGN KEY (organisation_id) REFERENCES organisations(id);
ALTER TABLE memberships ADD CONSTRAINT memberships_organisation_id_fkey FOREIGN KEY (organisation_id) REFERENCES organisations(id) ON DELETE CASCADE;
ALTER TABLE memberships ADD CONSTRAINT memberships_user_id_fkey FOREIGN KEY (user_id) REFERENCES users(id) ON DELETE CASCADE;
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

CREATE INDEX approval_decisions_policy ON public.approval_decisions USING btree (policy_id);
CREATE UNIQUE INDEX approval_decisions_voice ON public.approval_decisions USING btree (release_intent_id, target_environment, user_id);
CREATE INDEX artifacts_project ON public.artifacts USING btree (project_id, created_at DESC, id DESC);
CREATE INDEX credentials_family ON public.credentials USING btree (family_id);
CREATE INDEX credentials_user ON public.credentials USING btree (user_id, kind);
CREATE INDEX destinations_environment ON public.destinations USING btree (environment_id) WHERE (deleted_at IS NULL);
CREATE UNIQUE INDEX destinations_name ON public.destinations USING btree (organisation_id, name) WHERE (deleted_at IS NULL);
CREATE INDEX history_intent ON public.history USING btree (release_intent_id, id DESC);
CREATE INDEX history_organisation ON public.history USING btree (organisation_id, id DESC);
CREATE INDEX history_project ON public.history USING btree (project_id, id DESC);
CREATE INDEX memberships_user ON public.memberships USING btree (user_id);
CREATE INDEX policies_target ON public.policies USING btree (project_id, target_environment) WHERE enabled;
CREATE INDEX release_intents_active ON public.release_intents USING btree (project_id) WHERE (status = 'ACTIVE'::text);
CREATE INDEX release_intents_artifact ON public.release_intents USING btree (artifact_id, created_at DESC, id DESC);
CREATE INDEX release_intents_behind ON public.release_intents USING btree (id) WHERE ((status = 'ACTIVE'::text) AND (seen_generation < wanted_generation));
CREATE INDEX release_intents_due ON public.release_intents USING btree (next_check_at) WHERE ((status = 'ACTIVE'::text) AND (next_check_at IS NOT NULL));
CREATE UNIQUE INDEX release_intents_one_pipeline ON public.release_intents USING btree (artifact_id) WHERE ((status = 'ACTIVE'::text) AND (pipeline IS NOT NULL));
CREATE INDEX release_intents_project ON public.release_intents USING btree (project_id, created_at DESC, id DESC);
CREATE INDEX release_logs_release ON public.release_logs USING btree (release_id, id);
CREATE INDEX release_report_tokens_release ON public.release_report_tokens USING btree (release_id);
CREATE INDEX releases_artifact ON public.releases USING btree (artifact_id, destination_id, queued_at DESC, id DESC) WHERE (mode = 'deploy'::text);
CREATE INDEX releases_deployed ON public.releases USING btree (destination_id, completed_at DESC) WHERE ((status = 'SUCCEEDED'::text) AND (mode = 'deploy'::text));
CREATE INDEX releases_in_flight ON public.releases USING btree (lease_until) WHERE (status = ANY (ARRAY['ASSIGNED'::text, 'RUNNING'::text]));
CREATE INDEX releases_latest ON public.releases USING btree (destination_id, queued_at DESC, id DESC) WHERE (mode = 'deploy'::text);
CREATE UNIQUE INDEX releases_one_running ON public.releases USING btree (destination_id) WHERE (status = ANY (ARRAY['ASSIGNED'::text, 'RUNNING'::text]));
CREATE INDEX releases_queue ON public.releases USING btree (destination_id, queued_at, id) WHERE (status = 'QUEUED'::text);
CREATE INDEX releases_succeeded ON public.releases USING btree (artifact_id, destination_id, completed_at DESC) WHERE ((status = 'SUCCEEDED'::text) AND (mode = 'deploy'::text));
CREATE UNIQUE INDEX users_email ON public.users USING btree (lower(email)) WHERE (email IS NOT NULL);
CREATE UNIQUE INDEX users_username ON public.users USING btree (lower(username));

CREATE OR REPLACE FUNCTION public.history_is_append_only()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
begin
  raise exception 'the history is append-only: % refused', tg_op;
end
$function$
;

CREATE TRIGGER history_append_only BEFORE DELETE OR UPDATE ON history FOR EACH ROW EXECUTE FUNCTION history_is_append_only();
CREATE TRIGGER history_no_truncate BEFORE TRUNCATE ON history FOR EACH STATEMENT EXECUTE FUNCTION history_is_append_only();
