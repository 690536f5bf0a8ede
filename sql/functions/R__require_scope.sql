-- Refuses with INVALID_ARGUMENT (PJ003) what is not exactly one of: a task, a tenant, a queue of a tenant; and with
-- TENANT_FORBIDDEN (PJ005) what a caller who is bound to a tenant may not steer: a task, and another tenant. Locks: none.
create or replace function ${schema}.require_scope(task text, db_id uuid, queue text) returns void
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
begin
  if (require_scope.task is null) = (require_scope.db_id is null)
    or (require_scope.queue is not null and require_scope.db_id is null)
  then
    raise exception 'INVALID_ARGUMENT' using
      errcode = 'PJ003',
      detail = format('task is %s, db_id is %s, queue is %s.',
        coalesce(require_scope.task, 'null'), coalesce(require_scope.db_id::text, 'null'),
        coalesce(require_scope.queue, 'null')),
      hint = 'Name a task, or a tenant (db_id), or a queue of a tenant (db_id and queue).';
  end if;
  perform ${schema}.require_tenant(require_scope.db_id);
  if require_scope.task is not null and ${schema}.caller_tenant() is not null then
    raise exception 'TENANT_FORBIDDEN' using
      errcode = 'PJ005',
      detail = 'A task is every tenant''s, and the session acts for one.',
      hint = 'Name the tenant (db_id), or a queue of it (db_id and queue).';
  end if;
end;
$$;
