-- What several statements ask about credentials and callers, defined once.

-- Until when a credential is valid: 'infinity' if it never expires, '-infinity' once it is revoked. A session also expires when
-- it is idle; sessions from before that setting expire after 12 hours without use.
create function valid_until(c credentials) returns timestamptz language sql stable as $$
  select case
    when c.revoked_at is not null then '-infinity'
    when c.kind = 'session' then
      least(c.expires_at, coalesce(c.last_used_at, c.created_at) + make_interval(secs => coalesce(c.idle_seconds, 43200)))
    else coalesce(c.expires_at, 'infinity')
  end
$$;

-- Whether calls that a credential opened must end. They outlive an access token of one hour for as long as its login can be
-- refreshed. A credential that is no longer stored has ended.
create function credential_ended(credential uuid, at_time timestamptz) returns boolean language plpgsql stable as $$
begin
  return not exists (
    select from credentials c
     where c.id = credential
       and (valid_until(c) > at_time
            or (c.kind = 'access' and c.revoked_at is null
                and exists (select from credentials r
                             where r.family_id = c.family_id and r.kind = 'refresh' and valid_until(r) > at_time))));
end
$$;

-- Who a secret authenticates; statements compare `secret_hash` and `valid_until`.
create view callers as
  select c.secret_hash, valid_until(c) as valid_until, c.id as credential_id, c.kind as credential_kind, c.scopes, c.last_used_at,
         u.id as user_id, u.username
    from credentials c join users u on u.id = c.user_id
   where c.kind in ('session', 'access', 'personal', 'service') and u.deleted_at is null;

-- The role of a user in an organisation: a member's, or 'service' for the organisation's service accounts.
create view caller_roles as
  select organisation_id, user_id, role from memberships
  union all
  select organisation_id, id, 'service' from users where kind = 'service' and deleted_at is null;

-- Each pair of members of one organisation, with the role of the first: who may see whom.
create view fellow_members as
  select mine.user_id, mine.role, theirs.user_id as fellow_id
    from memberships mine join memberships theirs on theirs.organisation_id = mine.organisation_id;
