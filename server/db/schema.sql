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
  revoked_at timestamp with time zone,
  begun_at timestamp with time zone,
  address text,
  user_agent text,
  idle_seconds integer
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
  secrets text
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

CREATE TABLE memberships (
  organisation_id uuid NOT NULL,
  user_id uuid NOT NULL,
  role text NOT NULL,
  joined_at timestamp with time zone NOT NULL
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
  organisation_id uuid NOT NULL
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
ALTER TABLE artifact_files ADD CONSTRAINT artifact_files_pkey PRIMARY KEY (id);
ALTER TABLE artifact_files ADD CONSTRAINT artifact_files_upload_id_env_destination_category_file_name_key UNIQUE (upload_id, env, destination, category, file_name);
ALTER TABLE artifact_uploads ADD CONSTRAINT artifact_uploads_pkey PRIMARY KEY (id);
ALTER TABLE artifact_uploads ADD CONSTRAINT artifact_uploads_artifact_id_key UNIQUE (artifact_id);
ALTER TABLE artifacts ADD CONSTRAINT artifacts_pkey PRIMARY KEY (id);
ALTER TABLE artifacts ADD CONSTRAINT artifacts_slug_key UNIQUE (slug);
ALTER TABLE credentials ADD CONSTRAINT credentials_pkey PRIMARY KEY (id);
ALTER TABLE credentials ADD CONSTRAINT credentials_check CHECK (((user_id IS NULL) = (kind = 'set_up'::text)));
ALTER TABLE credentials ADD CONSTRAINT credentials_idle_seconds_check CHECK ((idle_seconds > 0));
ALTER TABLE credentials ADD CONSTRAINT credentials_kind_check CHECK ((kind = ANY (ARRAY['session'::text, 'access'::text, 'refresh'::text, 'personal'::text, 'set_up'::text, 'service'::text])));
ALTER TABLE credentials ADD CONSTRAINT credentials_secret_hash_key UNIQUE (secret_hash);
ALTER TABLE credentials ADD CONSTRAINT credentials_user_agent_check CHECK ((length(user_agent) <= 300));
ALTER TABLE destinations ADD CONSTRAINT destinations_pkey PRIMARY KEY (id);
ALTER TABLE destinations ADD CONSTRAINT destinations_check CHECK (((environment_id IS NOT NULL) OR (deleted_at IS NOT NULL)));
ALTER TABLE destinations ADD CONSTRAINT destinations_secrets_check CHECK ((secrets ~~ 'v1:%'::text));
ALTER TABLE environments ADD CONSTRAINT environments_pkey PRIMARY KEY (id);
ALTER TABLE environments ADD CONSTRAINT environments_organisation_id_name_key UNIQUE (organisation_id, name);
ALTER TABLE history ADD CONSTRAINT history_pkey PRIMARY KEY (id);
ALTER TABLE history_heads ADD CONSTRAINT history_heads_pkey PRIMARY KEY (chain);
ALTER TABLE memberships ADD CONSTRAINT memberships_pkey PRIMARY KEY (organisation_id, user_id);
ALTER TABLE memberships ADD CONSTRAINT memberships_role_check CHECK ((role = ANY (ARRAY['member'::text, 'admin'::text])));
ALTER TABLE oidc_sign_ins ADD CONSTRAINT oidc_sign_ins_pkey PRIMARY KEY (state_hash);
ALTER TABLE oidc_sign_ins ADD CONSTRAINT oidc_sign_ins_check CHECK (((user_id IS NULL) OR (set_up_token_hash IS NULL)));
ALTER TABLE oidc_sign_ins ADD CONSTRAINT oidc_sign_ins_check1 CHECK (((set_up_token_hash IS NULL) = (organisation IS NULL)));
ALTER TABLE organisation_join_rules ADD CONSTRAINT organisation_join_rules_pkey PRIMARY KEY (id);
ALTER TABLE organisation_join_rules ADD CONSTRAINT organisation_join_rules_email_domain_check CHECK ((email_domain = lower(email_domain)));
ALTER TABLE organisation_join_rules ADD CONSTRAINT organisation_join_rules_organisation_id_provider_email_doma_key UNIQUE (organisation_id, provider, email_domain);
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
ALTER TABLE oidc_sign_ins ADD CONSTRAINT oidc_sign_ins_user_id_fkey FOREIGN KEY (user_id) REFERENCES users(id) ON DELETE CASCADE;
ALTER TABLE organisation_join_rules ADD CONSTRAINT organisation_join_rules_organisation_id_fkey FOREIGN KEY (organisation_id) REFERENCES organisations(id) ON DELETE CASCADE;
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
ALTER TABLE user_identities ADD CONSTRAINT user_identities_user_id_fkey FOREIGN KEY (user_id) REFERENCES users(id) ON DELETE CASCADE;
ALTER TABLE users ADD CONSTRAINT users_organisation_id_fkey FOREIGN KEY (organisation_id) REFERENCES organisations(id) ON DELETE CASCADE;

CREATE INDEX approval_decisions_policy ON public.approval_decisions USING btree (policy_id);
CREATE UNIQUE INDEX approval_decisions_voice ON public.approval_decisions USING btree (release_intent_id, target_environment, user_id);
CREATE INDEX artifact_uploads_created ON public.artifact_uploads USING btree (created_at);
CREATE INDEX artifact_uploads_user ON public.artifact_uploads USING btree (created_by);
CREATE INDEX artifacts_project ON public.artifacts USING btree (project_id, created_at DESC, id DESC);
CREATE INDEX credentials_family ON public.credentials USING btree (family_id);
CREATE INDEX credentials_user ON public.credentials USING btree (user_id, kind);
CREATE INDEX destinations_environment ON public.destinations USING btree (environment_id) WHERE (deleted_at IS NULL);
CREATE UNIQUE INDEX destinations_name ON public.destinations USING btree (organisation_id, name) WHERE (deleted_at IS NULL);
CREATE INDEX history_actor ON public.history USING btree (organisation_id, actor_id, id DESC);
CREATE INDEX history_at ON public.history USING btree (organisation_id, at, id);
CREATE UNIQUE INDEX history_chain ON public.history USING btree (COALESCE(organisation_id, '00000000-0000-0000-0000-000000000000'::uuid), sequence);
CREATE INDEX history_intent ON public.history USING btree (release_intent_id, id DESC);
CREATE INDEX history_kind ON public.history USING btree (organisation_id, kind, id DESC);
CREATE INDEX history_organisation ON public.history USING btree (organisation_id, id DESC);
CREATE INDEX history_project ON public.history USING btree (project_id, id DESC);
CREATE INDEX memberships_user ON public.memberships USING btree (user_id);
CREATE INDEX oidc_sign_ins_address ON public.oidc_sign_ins USING btree (address, expires_at);
CREATE INDEX oidc_sign_ins_expires ON public.oidc_sign_ins USING btree (expires_at);
CREATE INDEX organisation_join_rules_domain ON public.organisation_join_rules USING btree (provider, email_domain);
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
CREATE INDEX releases_project ON public.releases USING btree (project_id, destination_id, queued_at DESC, id DESC) WHERE (mode = 'deploy'::text);
CREATE INDEX releases_queue ON public.releases USING btree (destination_id, queued_at, id) WHERE (status = 'QUEUED'::text);
CREATE INDEX releases_succeeded ON public.releases USING btree (artifact_id, destination_id, completed_at DESC) WHERE ((status = 'SUCCEEDED'::text) AND (mode = 'deploy'::text));
CREATE INDEX sign_in_attempts_forget ON public.sign_in_attempts USING btree (forget_at);
CREATE INDEX stages_held ON public.stages USING btree (queued_at) WHERE ((type = 'deploy'::text) AND (status = 'PENDING'::text) AND (queued_at IS NOT NULL));
CREATE INDEX stages_waiting ON public.stages USING btree (organisation_id, queued_at, release_intent_id, id) WHERE ((type = 'deploy'::text) AND (status = 'AWAITING_APPROVAL'::text));
CREATE INDEX user_identities_user ON public.user_identities USING btree (user_id);
CREATE UNIQUE INDEX users_email ON public.users USING btree (lower(email)) WHERE (email IS NOT NULL);
CREATE UNIQUE INDEX users_service ON public.users USING btree (organisation_id, lower(username)) WHERE ((kind = 'service'::text) AND (deleted_at IS NULL));
CREATE UNIQUE INDEX users_username ON public.users USING btree (lower(username)) WHERE (kind = 'person'::text);

CREATE OR REPLACE FUNCTION public.artifact_source_is_fixed()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
begin
  raise exception 'the source of an artifact never changes';
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

CREATE TRIGGER artifacts_source_is_fixed BEFORE UPDATE ON artifacts FOR EACH ROW WHEN (old.source_user IS DISTINCT FROM new.source_user OR old.source_email IS DISTINCT FROM new.source_email OR old.source_user_id IS DISTINCT FROM new.source_user_id OR old.created_by IS DISTINCT FROM new.created_by) EXECUTE FUNCTION artifact_source_is_fixed();
CREATE TRIGGER history_append_only BEFORE DELETE OR UPDATE ON history FOR EACH ROW EXECUTE FUNCTION history_is_append_only();
CREATE TRIGGER history_link BEFORE INSERT ON history FOR EACH ROW EXECUTE FUNCTION history_link();
CREATE TRIGGER history_no_truncate BEFORE TRUNCATE ON history FOR EACH STATEMENT EXECUTE FUNCTION history_is_append_only();
CREATE TRIGGER history_heads_follow BEFORE INSERT OR DELETE OR UPDATE ON history_heads FOR EACH ROW EXECUTE FUNCTION history_heads_follow();
CREATE TRIGGER history_heads_no_truncate BEFORE TRUNCATE ON history_heads FOR EACH STATEMENT EXECUTE FUNCTION history_is_append_only();
CREATE TRIGGER memberships_for_people BEFORE INSERT OR UPDATE OF user_id ON memberships FOR EACH ROW EXECUTE FUNCTION memberships_are_for_people();
CREATE TRIGGER stages_organisation BEFORE INSERT ON stages FOR EACH ROW WHEN (new.organisation_id IS NULL) EXECUTE FUNCTION stage_organisation();

ALTER TABLE history ENABLE ALWAYS TRIGGER history_append_only;
ALTER TABLE history ENABLE ALWAYS TRIGGER history_link;
ALTER TABLE history ENABLE ALWAYS TRIGGER history_no_truncate;
ALTER TABLE history_heads ENABLE ALWAYS TRIGGER history_heads_follow;
ALTER TABLE history_heads ENABLE ALWAYS TRIGGER history_heads_no_truncate;
