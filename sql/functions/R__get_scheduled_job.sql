-- Compatible with 0.15: hands a schedule that no scheduler of the old kind holds to one. Ours need no such lock.
-- Locks: one row, skip locked.
create or replace function ${schema}.get_scheduled_job(worker_id text, task_identifiers text[] default null)
returns ${schema}.scheduled_jobs
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  taken ${schema}.scheduled_jobs;
begin
  if get_scheduled_job.worker_id is null then
    raise exception 'INVALID_WORKER_ID' using errcode = 'PJ002', detail = 'worker_id is null.';
  end if;
  update ${schema}.scheduled_jobs s
  set locked_by = get_scheduled_job.worker_id, locked_at = now()
  where s.id = (
    select free.id from ${schema}.scheduled_jobs free
    where free.locked_at is null
      and (get_scheduled_job.task_identifiers is null
        or free.task_identifier = any (get_scheduled_job.task_identifiers))
    order by free.priority, free.id
    limit 1
    for update skip locked)
  returning s.* into taken;
  if not found then
    return null;
  end if;
  return taken;
end;
$$;
