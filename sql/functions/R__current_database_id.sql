-- The tenant of the calling session: jwt_private.current_database_id() where that function exists, else the setting
-- jwt.claims.database_id; null when neither says. A setting that is no uuid is refused with INVALID_ARGUMENT (PJ003).
-- Locks: none.
create or replace function ${schema}.current_database_id() returns uuid
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
declare
  claimed text;
  current_id uuid;
begin
  if to_regprocedure('jwt_private.current_database_id()') is not null then
    execute 'select jwt_private.current_database_id()' into current_id;
    return current_id;
  end if;
  claimed := nullif(current_setting('jwt.claims.database_id', true), '');
  current_id := ${schema}.uuid_of(claimed);
  if claimed is not null and current_id is null then
    raise exception 'INVALID_ARGUMENT' using
      errcode = 'PJ003',
      detail = format('The setting jwt.claims.database_id is no uuid: %L.', left(claimed, 100)),
      hint = 'Set it to the tenant''s database id: select set_config(''jwt.claims.database_id'', <database id>, true).';
  end if;
  return current_id;
end;
$$;
