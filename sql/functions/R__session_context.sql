-- Who and what the calling session works for: the settings postern.actor_id, postern.entity_id, postern.request_id and
-- postern.traceparent, meant for set_config(name, value, true), which ends with the transaction. The actor also comes from
-- jwt.claims.user_id, which is not ours: what is no uuid there is passed over. A setting of ours that ought to be a uuid
-- and is none is refused with INVALID_ARGUMENT (PJ003). Null where nothing is set. Locks: none.
create or replace function ${schema}.session_context(
  out actor_id uuid,
  out entity_id uuid,
  out request_id text,
  out traceparent text
)
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
declare
  actor text := nullif(current_setting('postern.actor_id', true), '');
  entity text := nullif(current_setting('postern.entity_id', true), '');
  claimed text := nullif(current_setting('jwt.claims.user_id', true), '');
begin
  if actor is not null then
    actor_id := ${schema}.uuid_of(actor);
  elsif claimed is not null then
    actor_id := ${schema}.uuid_of(claimed);
  end if;
  if entity is not null then
    entity_id := ${schema}.uuid_of(entity);
  end if;
  if (actor is not null and actor_id is null) or (entity is not null and entity_id is null) then
    raise exception 'INVALID_ARGUMENT' using
      errcode = 'PJ003',
      detail = case
        when actor is not null and actor_id is null then format('The setting postern.actor_id is no uuid: %L.', left(actor, 100))
        else format('The setting postern.entity_id is no uuid: %L.', left(entity, 100))
      end,
      hint = 'Set it to a uuid, or to an empty text: select set_config(name, value, true).';
  end if;
  request_id := nullif(current_setting('postern.request_id', true), '');
  traceparent := nullif(current_setting('postern.traceparent', true), '');
end;
$$;
