-- Replaces all that was asked for of a schedule, whatever is left out by its default, and returns its row; nulls when there is
-- no such schedule or it is another tenant's. Its id, pause, last job and, unless its schedule_info changed, its next tick
-- stay. Values are judged as by add_scheduled_job (PJ003); a key that another schedule of the tenant has is refused with
-- KEY_TAKEN (PJ006). Locks: the schedule's row; a tick that is being taken comes first.
create or replace function ${schema}.replace_schedule(
  schedule_id bigint,
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
  bound constant uuid := ${schema}.caller_tenant();
  replaced ${schema}.scheduled_jobs;
  refusal constant text := ${schema}.schedule_values_refusal(
    replace_schedule.identifier, replace_schedule.schedule_info, replace_schedule.job_key,
    replace_schedule.queue_name, replace_schedule.max_attempts, replace_schedule.missed_ticks,
    replace_schedule.missed_ticks_max, replace_schedule.overlap, replace_schedule.jitter);
begin
  if refusal is not null then
    raise exception 'INVALID_ARGUMENT' using
      errcode = 'PJ003',
      detail = refusal || '.',
      hint = 'replace_schedule(schedule_id, identifier, payload, schedule_info)';
  end if;
  update ${schema}.scheduled_jobs s
  set task_identifier = replace_schedule.identifier,
    payload = coalesce(replace_schedule.payload, '{}'::json),
    schedule_info = coalesce(replace_schedule.schedule_info, '{}'::json),
    key = replace_schedule.job_key,
    queue_name = replace_schedule.queue_name,
    max_attempts = coalesce(replace_schedule.max_attempts, 25),
    priority = coalesce(replace_schedule.priority, 0),
    missed_ticks = coalesce(replace_schedule.missed_ticks, 'latest'),
    missed_ticks_max = coalesce(replace_schedule.missed_ticks_max, 100),
    overlap = coalesce(replace_schedule.overlap, 'skip'),
    jitter = coalesce(replace_schedule.jitter, interval '0')
  where s.id = replace_schedule.schedule_id and (bound is null or s.database_id = bound)
  returning s.* into replaced;
  if not found then
    return null;
  end if;
  return replaced;
exception
  when unique_violation then
    raise exception 'KEY_TAKEN' using
      errcode = 'PJ006',
      detail = format('another schedule of the tenant has the key %L.', replace_schedule.job_key),
      hint = 'delete that one first, or choose another key';
end;
$$;
