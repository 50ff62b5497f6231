-- What a user is shown of their sessions and logins, to know their own: from where and by what each was begun. A login's
-- tokens replace each other; its beginning is handed on with them. Null: when the credential was made.
alter table credentials
  add column begun_at timestamptz,
  add column address text,
  add column user_agent text check (length(user_agent) <= 300),
  -- A session ends when nobody has used it for so long. Null, as a server of an earlier version writes it: twelve hours.
  add column idle_seconds integer check (idle_seconds > 0);

-- Attempts to prove who one is, counted before they are made, over all servers. A key is the hash of what they are counted
-- for: an account from an address, an account, an address. Nothing in a row tells whether the account exists.
create table sign_in_attempts (
  key bytea primary key check (length(key) = 32),
  failures integer not null check (failures >= 0),
  last_at timestamptz not null,
  -- Until when further attempts are refused.
  blocked_until timestamptz,
  -- When the account was last signed in to from the address.
  succeeded_at timestamptz,
  forget_at timestamptz not null
);
create index sign_in_attempts_forget on sign_in_attempts (forget_at);
