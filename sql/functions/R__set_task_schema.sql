-- Registers the JSON Schema (2020-12) that payloads of a task must keep to when they come through the HTTP API, and returns
-- its row; jobs that are there stay as they are. expected guards against another's change: the version that is to be
-- replaced, or 0 for none; no row where it is another one. Whether it is a schema, the API finds out; here only the size
-- (64 KiB) and the kind are looked at. Another tenant than the caller's own is refused with TENANT_FORBIDDEN (PJ005), also
-- the one that speaks for all of them. Locks: the row.
create or replace function ${schema}.set_task_schema(
  db_id uuid,
  task text,
  task_schema json,
  updated_by text,
  expected bigint default null
) returns setof ${schema}.task_schemas
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  refusal text;
begin
  perform ${schema}.require_tenant(set_task_schema.db_id);
  refusal := case
    when set_task_schema.db_id is null then 'db_id is null'
    when set_task_schema.task_schema is null then 'task_schema is null'
    when json_typeof(set_task_schema.task_schema) not in ('object', 'boolean') then
      format('task_schema is a JSON %s; a schema is an object, true or false', json_typeof(set_task_schema.task_schema))
    when octet_length(set_task_schema.task_schema::text) > 65536 then
      format('task_schema has %s bytes, at most 65536 are allowed', octet_length(set_task_schema.task_schema::text))
    when coalesce(set_task_schema.updated_by, '') = '' then 'updated_by is null or empty'
    else ${schema}.job_refusal(array['task'], set_task_schema.task, null, null, null, null)
  end;
  if refusal is not null then
    raise exception 'INVALID_ARGUMENT' using errcode = 'PJ003', detail = refusal || '.';
  end if;
  if set_task_schema.expected is null or set_task_schema.expected = 0 then
    return query
    insert into ${schema}.task_schemas as s (database_id, task_identifier, schema, updated_by)
    values (set_task_schema.db_id, set_task_schema.task, set_task_schema.task_schema, set_task_schema.updated_by)
    on conflict (database_id, task_identifier) do update
    set schema = excluded.schema, version = default, updated_at = now(), updated_by = excluded.updated_by
    where set_task_schema.expected is null
    returning s.*;
  else
    return query
    update ${schema}.task_schemas s
    set schema = set_task_schema.task_schema, version = default, updated_at = now(),
      updated_by = set_task_schema.updated_by
    where s.database_id = set_task_schema.db_id and s.task_identifier = set_task_schema.task
      and s.version = set_task_schema.expected
    returning s.*;
  end if;
end;
$$;
