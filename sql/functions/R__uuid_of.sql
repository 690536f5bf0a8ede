-- A text as a uuid; null when it is none. Locks: none.
create or replace function ${schema}.uuid_of(value text) returns uuid
language sql immutable
set search_path = pg_catalog, pg_temp
as $$
  select case when value ~ '^[0-9a-fA-F]{8}-?([0-9a-fA-F]{4}-?){3}[0-9a-fA-F]{12}$' then value::uuid end;
$$;
