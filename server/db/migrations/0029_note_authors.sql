-- Authors are shown on every release of their artifact. After 0025, which changes nothing that is shown.
create function note_author_change() returns trigger language plpgsql as $$
begin
  perform note_changes(2::smallint, array(
    select a.project_id from artifacts a where a.id in (old.artifact_id, new.artifact_id)));
  return null;
end
$$;
create trigger note_change after insert or delete on artifact_authors for each row execute function note_author_change();
create trigger note_update after update on artifact_authors
  for each row when (old.* is distinct from new.*) execute function note_author_change();
create trigger note_update after update on commit_addresses
  for each row when (old.* is distinct from new.*) execute function note_address_change();
