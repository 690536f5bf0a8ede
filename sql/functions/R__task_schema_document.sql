-- A task's JSON Schema as the JSON object that the HTTP API answers with. Locks: none.
create or replace function ${schema}.task_schema_document(registered ${schema}.task_schemas) returns json
language sql stable
set search_path = pg_catalog, pg_temp
as $$
  select json_build_object(
    'jobType', registered.task_identifier,
    'schema', registered.schema,
    'version', registered.version::text,
    'forAllTenants', registered.database_id = '00000000-0000-0000-0000-000000000000',
    'updatedAt', ${schema}.json_time(registered.updated_at),
    'updatedBy', registered.updated_by);
$$;
