-- Whether any cap on running jobs is set: then a job that ends may make room for another one. Locks: none.
create or replace function ${schema}.caps_exist() returns boolean
language sql stable
set search_path = pg_catalog, pg_temp
as $$
  select exists (select 1 from ${schema}.task_settings s where s.max_running is not null)
    or exists (select 1 from ${schema}.tenant_settings s where s.max_running is not null);
$$;
