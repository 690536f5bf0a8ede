-- The tenant of the calling session: jwt_private.current_database_id() where that function exists, else the setting
-- jwt.claims.database_id; null when neither says. Locks: none.
create or replace function ${schema}.current_database_id() returns uuid
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
declare
  current_id uuid;
begin
  if to_regprocedure('jwt_private.current_database_id()') is not null then
    execute 'select jwt_private.current_database_id()' into current_id;
    return current_id;
  end if;
  return nullif(current_setting('jwt.claims.database_id', true), '')::uuid;
end;
$$;
