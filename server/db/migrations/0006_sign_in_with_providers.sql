-- Who somebody is at a provider of OpenID Connect: the issuer and its name for them, which never changes. One of them leads
-- to one user; a user may have several.
create table user_identities (
  id uuid primary key,
  user_id uuid not null references users (id) on delete cascade,
  issuer text not null,
  subject text not null,
  -- The provider's name in the configuration, and the address it told: for people, nothing is found by them.
  provider text not null,
  email text not null,
  created_at timestamptz not null,
  last_used_at timestamptz not null,
  unique (issuer, subject)
);
create index user_identities_user on user_identities (user_id);

-- Sign-ins that are under way at a provider. Of what the browser brings back only hashes are kept; a row is deleted by
-- its first use.
create table oidc_sign_ins (
  state_hash bytea primary key,
  -- Of the cookie of the browser that began it.
  browser_hash bytea not null,
  provider text not null,
  nonce text not null,
  code_verifier text not null,
  return_to text not null,
  -- Set when a signed-in user connects an identity, by this session of theirs.
  user_id uuid references users (id) on delete cascade,
  -- Set when the first admin comes by a provider: the one-time token, and the organisation to make.
  set_up_token_hash bytea,
  organisation text,
  -- Where the request came from, so that no address begins them without end.
  address text not null,
  expires_at timestamptz not null,
  check (user_id is null or set_up_token_hash is null),
  check ((set_up_token_hash is null) = (organisation is null))
);
create index oidc_sign_ins_expires on oidc_sign_ins (expires_at);
create index oidc_sign_ins_address on oidc_sign_ins (address, expires_at);

-- Whose first sign-in makes them a member: who comes by that provider with a verified address of that domain.
create table organisation_join_rules (
  id uuid primary key,
  organisation_id uuid not null references organisations (id) on delete cascade,
  provider text not null,
  -- In lower case.
  email_domain text not null check (email_domain = lower(email_domain)),
  created_at timestamptz not null,
  unique (organisation_id, provider, email_domain)
);
create index organisation_join_rules_domain on organisation_join_rules (provider, email_domain);
