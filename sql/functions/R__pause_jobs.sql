-- Pauses a task, a tenant (db_id) or a queue of a tenant (db_id and queue): none of its jobs is claimed until resume_jobs.
-- What runs goes on, what is added waits. Exactly one of the three is named; pausing twice keeps the first pause.
-- A caller who is bound to a tenant is refused with TENANT_FORBIDDEN (PJ005) for a task and for another tenant.
-- Locks: the row of the settings. A claim that is under way may still take what it has looked at.
create or replace function ${schema}.pause_jobs(
  paused_by text,
  task text default null,
  db_id uuid default null,
  queue text default null
) returns void
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  if coalesce(pause_jobs.paused_by, '') = '' then
    raise exception 'INVALID_ARGUMENT' using
      errcode = 'PJ003', detail = 'paused_by is null or empty.', hint = 'Say who pauses, for those who ask why.';
  end if;
  perform ${schema}.require_scope(pause_jobs.task, pause_jobs.db_id, pause_jobs.queue);
  if pause_jobs.task is not null then
    insert into ${schema}.task_settings as s (task_identifier, paused_at, paused_by)
    values (pause_jobs.task, now(), pause_jobs.paused_by)
    on conflict (task_identifier) do update
    set paused_at = excluded.paused_at, paused_by = excluded.paused_by
    where s.paused_at is null;
  elsif pause_jobs.queue is not null then
    insert into ${schema}.paused_queues (database_id, queue_name, paused_at, paused_by)
    values (pause_jobs.db_id, pause_jobs.queue, now(), pause_jobs.paused_by)
    on conflict do nothing;
  else
    insert into ${schema}.tenant_settings as s (database_id, paused_at, paused_by)
    values (pause_jobs.db_id, now(), pause_jobs.paused_by)
    on conflict (database_id) do update
    set paused_at = excluded.paused_at, paused_by = excluded.paused_by
    where s.paused_at is null;
  end if;
end;
$$;
