-- Each entry of the history carries the hash of the one before it in its organisation, so that an entry that was changed,
-- taken out, put in or moved is found by whoever follows the chain (docs/audit.md). What an entry says is hashed as
-- canonical JSON (RFC 8785); the database links the hashes, so that nothing gets in beside the chain.

alter table history
  -- Null for what belongs to no organisation: sign-ins of users who have none. These are a chain of their own.
  alter column organisation_id drop not null,
  add column credential_id uuid,
  add column credential_kind text,
  add column address text,
  add column request_id text,
  add column sequence bigint,
  add column content_hash bytea,
  add column previous_hash bytea,
  add column hash bytea;

-- The last entry of each chain. `chain` is the organisation's id, or the nil UUID for what belongs to none.
create table history_heads (
  chain uuid primary key,
  sequence bigint not null,
  previous_hash bytea not null,
  hash bytea not null
  -- Changed with each entry: room for its versions on the same page.
) with (fillfactor = 20);

-- RFC 8785 puts the keys of an object in the order of their UTF-16 code units: that of their bytes, but for characters
-- beyond 16 bits, which come before U+E000.
create function history_key_order(key text) returns text language sql immutable strict parallel safe
return case when octet_length(key) = length(key) then key
            else regexp_replace(key, '([\uE000-\uFFFF])', chr(1114111) || '\1', 'g') end;

-- Canonical JSON; of numbers the whole ones, others do not occur.
create function history_canonical(value jsonb) returns text language plpgsql immutable strict parallel safe as $$
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
$$;

-- SHA-256 of what an entry says: all of its fields that have a value, except for its place in the chain.
create function history_content_hash(entry history) returns bytea language plpgsql immutable as $$
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
$$;

-- What was written before, in the order of its ids.
alter table history disable trigger history_append_only;
do $$
declare
  entry history;
  head history_heads;
begin
  for entry in select * from history order by organisation_id, id loop
    if head.chain is distinct from entry.organisation_id then
      if head.chain is not null then insert into history_heads select head.*; end if;
      head := (entry.organisation_id, 0, null, decode(repeat('00', 32), 'hex'));
    end if;
    entry.content_hash := history_content_hash(entry);
    head.sequence := head.sequence + 1;
    head.previous_hash := head.hash;
    head.hash := sha256(head.previous_hash || int8send(head.sequence) || entry.content_hash);
    update history
       set sequence = head.sequence, content_hash = entry.content_hash, previous_hash = head.previous_hash,
           hash = head.hash
     where id = entry.id;
  end loop;
  if head.chain is not null then insert into history_heads select head.*; end if;
end
$$;
alter table history enable always trigger history_append_only;

alter table history
  alter column sequence set not null,
  alter column content_hash set not null,
  alter column previous_hash set not null,
  alter column hash set not null;
create unique index history_chain
  on history (coalesce(organisation_id, '00000000-0000-0000-0000-000000000000'::uuid), sequence);

-- Links a new entry, whatever it says of its place. The head's row lock is held until the commit, so the order in the
-- chain is that of the commits; the id is taken again under it, to follow the same order. Servers of an earlier version
-- send no hash of the content.
create function history_link() returns trigger language plpgsql as $$
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
$$;
create trigger history_link before insert on history for each row execute function history_link();
alter table history enable always trigger history_link;

create function history_heads_follow() returns trigger language plpgsql as $$
begin
  -- Within the trigger above, and nowhere else.
  if pg_trigger_depth() < 2 then
    raise exception 'the history is append-only: % of its heads refused', tg_op;
  end if;
  return new;
end
$$;
create trigger history_heads_follow before insert or update or delete on history_heads
  for each row execute function history_heads_follow();
create trigger history_heads_no_truncate before truncate on history_heads
  for each statement execute function history_is_append_only();
alter table history_heads enable always trigger history_heads_follow;
alter table history_heads enable always trigger history_heads_no_truncate;

-- As the owner of the tables: a server's role needs no right to write heads. Nobody's temporary tables come in between.
do $$
begin
  execute format('alter function history_link() security definer set search_path = %I, pg_temp', current_schema());
end
$$;
