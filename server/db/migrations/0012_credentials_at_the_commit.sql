-- As for the role, so for what the admin was let in by: a session or token that was ended between the look at the door and the
-- transaction changes nothing, and one that is ended from then on waits for the transaction's end. The function of before
-- stays for servers of before.
create function require_admin(organisation uuid, caller uuid, credential uuid) returns void language plpgsql as $$
begin
  perform require_admin(organisation, caller);
  perform from credentials c where c.id = credential and c.revoked_at is null for share;
  if not found then
    raise exception 'the credential of the caller has been ended' using errcode = 'FG002';
  end if;
end
$$;
