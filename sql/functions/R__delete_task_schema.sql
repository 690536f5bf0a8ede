-- Takes a task's JSON Schema away and returns its row as it was; no row where there is none, or where expected is given and
-- is not its version. Another tenant than the caller's own is refused with TENANT_FORBIDDEN (PJ005). Locks: the row.
create or replace function ${schema}.delete_task_schema(db_id uuid, task text, expected bigint default null)
returns setof ${schema}.task_schemas
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  perform ${schema}.require_tenant(delete_task_schema.db_id);
  return query
  delete from ${schema}.task_schemas s
  where s.database_id = delete_task_schema.db_id and s.task_identifier = delete_task_schema.task
    and (delete_task_schema.expected is null or s.version = delete_task_schema.expected)
  returning s.*;
end;
$$;
