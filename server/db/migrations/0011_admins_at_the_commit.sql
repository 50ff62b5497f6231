-- An admin's request is let in before its handler runs; between that and its transaction the role may be taken away. So such a
-- transaction asks again, first of all, and holds the membership until it ends.
create function require_admin(organisation uuid, caller uuid) returns void language plpgsql as $$
begin
  perform from memberships m
    where m.organisation_id = organisation and m.user_id = caller and m.role = 'admin' for share;
  if not found then
    raise exception 'the caller is no admin of the organisation' using errcode = 'FG001';
  end if;
end
$$;
