-- Makes the schedule's job now and returns it; a null row when there is no such schedule. Raises ALREADY_SCHEDULED
-- (PJ001) while the job that it made last is waiting its turn, or running since less than job_expiry; a dead one is no
-- obstacle. The job works for nobody: it has no actor, entity, request or trace, whatever the session says.
-- Locks: the schedule's row, so that concurrent callers make one job.
create or replace function ${schema}.run_scheduled_job(id bigint, job_expiry interval default '1 hours')
returns ${schema}.jobs
language plpgsql
set search_path = pg_catalog, pg_temp
set enable_seqscan = off
set jit = off
as $$
declare
  schedule ${schema}.scheduled_jobs;
  made ${schema}.jobs;
begin
  select s.* into schedule from ${schema}.scheduled_jobs s where s.id = run_scheduled_job.id for update;
  if not found then
    return null;
  end if;
  if exists (
    select 1 from ${schema}.jobs j
    where j.id = schedule.last_scheduled_id
      and case
        when j.locked_at is null then j.attempts < j.max_attempts
        else j.locked_at >= now() - run_scheduled_job.job_expiry
      end)
  then
    raise exception 'ALREADY_SCHEDULED' using
      errcode = 'PJ001',
      detail = format('Job %s of schedule %s has not ended.', schedule.last_scheduled_id, schedule.id);
  end if;
  made := ${schema}.add_keyed_job(
    nextval('${schema}.jobs_id_seq'), schedule.database_id, schedule.task_identifier, schedule.payload, schedule.key,
    schedule.queue_name, now(), schedule.max_attempts, schedule.priority,
    actor_id => null, entity_id => null, request_id => null, traceparent => null, job_key_mode => 'replace');
  update ${schema}.scheduled_jobs s
  set last_scheduled = now(), last_scheduled_id = made.id
  where s.id = schedule.id;
  return made;
end;
$$;
