-- The tenant of the calling session, for triggers: as current_database_id, but a session without one is refused with
-- INVALID_ARGUMENT (PJ003). Locks: none.
create or replace function ${schema}.required_database_id() returns uuid
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
declare
  current_id uuid := ${schema}.current_database_id();
begin
  if current_id is null then
    raise exception 'INVALID_ARGUMENT' using
      errcode = 'PJ003',
      detail = 'A trigger adds a job for the tenant of the session, and this session has none.',
      hint = case
        when to_regprocedure('jwt_private.current_database_id()') is not null
          then 'jwt_private.current_database_id() answers null here: set what it reads.'
        else 'Set it before the statement: select set_config(''jwt.claims.database_id'', <database id>, true).'
      end;
  end if;
  return current_id;
end;
$$;
