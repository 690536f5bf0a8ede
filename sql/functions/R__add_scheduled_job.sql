-- Adds a schedule, or replaces the tenant's schedule with the same key; returns its row. A scheduler plans it at once; a
-- schedule whose schedule_info was edited is planned afresh, a paused one stays paused. A schedule_info of the wrong
-- shape is refused with INVALID_ARGUMENT (PJ003), as other values are that cannot be.
-- A caller who is bound to a tenant may only name that one. Locks: the row that holds the key.
create or replace function ${schema}.add_scheduled_job(
  db_id uuid,
  identifier text,
  payload json default '{}'::json,
  schedule_info json default '{}'::json,
  job_key text default null,
  queue_name text default null,
  max_attempts int default 25,
  priority int default 0,
  missed_ticks text default 'latest',
  missed_ticks_max int default 100,
  overlap text default 'skip',
  jitter interval default '0'
) returns ${schema}.scheduled_jobs
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  added ${schema}.scheduled_jobs;
  refusal text;
begin
  refusal := case
    when add_scheduled_job.db_id is null then 'db_id is null'
    else ${schema}.schedule_values_refusal(
      add_scheduled_job.identifier, add_scheduled_job.schedule_info, add_scheduled_job.job_key,
      add_scheduled_job.queue_name, add_scheduled_job.max_attempts, add_scheduled_job.missed_ticks,
      add_scheduled_job.missed_ticks_max, add_scheduled_job.overlap, add_scheduled_job.jitter)
  end;
  if refusal is not null then
    raise exception 'INVALID_ARGUMENT' using
      errcode = 'PJ003',
      detail = refusal || '.',
      hint = 'add_scheduled_job(db_id, identifier, payload, schedule_info)';
  end if;
  perform ${schema}.require_tenant(add_scheduled_job.db_id);
  insert into ${schema}.scheduled_jobs as s (
    database_id, task_identifier, payload, queue_name, schedule_info, max_attempts, key, priority,
    missed_ticks, missed_ticks_max, overlap, jitter)
  values (
    add_scheduled_job.db_id, add_scheduled_job.identifier, coalesce(add_scheduled_job.payload, '{}'::json),
    add_scheduled_job.queue_name, coalesce(add_scheduled_job.schedule_info, '{}'::json),
    coalesce(add_scheduled_job.max_attempts, 25), add_scheduled_job.job_key, coalesce(add_scheduled_job.priority, 0),
    coalesce(add_scheduled_job.missed_ticks, 'latest'), coalesce(add_scheduled_job.missed_ticks_max, 100),
    coalesce(add_scheduled_job.overlap, 'skip'), coalesce(add_scheduled_job.jitter, interval '0'))
  on conflict (database_id, key) where key is not null do update
  set task_identifier = excluded.task_identifier,
    payload = excluded.payload,
    queue_name = excluded.queue_name,
    schedule_info = excluded.schedule_info,
    max_attempts = excluded.max_attempts,
    priority = excluded.priority,
    missed_ticks = excluded.missed_ticks,
    missed_ticks_max = excluded.missed_ticks_max,
    overlap = excluded.overlap,
    jitter = excluded.jitter
  returning s.* into added;
  return added;
end;
$$;
