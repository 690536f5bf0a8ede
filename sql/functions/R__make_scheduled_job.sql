-- Makes a job of a schedule for run_scheduled_job, run_schedule and run_schedule_tick, and returns it; a null row when
-- there is no such schedule. Unless the schedule or allow_overlap allows it, raises ALREADY_SCHEDULED (PJ001) while the
-- job that it made last is waiting its turn, or running since less than job_expiry; a dead one is no obstacle. The job
-- works for nobody, whatever the session says: it has no actor, entity or trace. For a tick its request id names schedule
-- and tick, and it is due within the schedule's jitter. A job that may overlap has no key: the next one would replace it.
-- Locks: the schedule's row, so that concurrent callers make one job.
create or replace function ${schema}.make_scheduled_job(
  schedule_id bigint,
  job_expiry interval,
  allow_overlap boolean,
  tick timestamptz
) returns ${schema}.jobs
language plpgsql
set search_path = pg_catalog, pg_temp
set enable_seqscan = off
set jit = off
as $$
declare
  schedule ${schema}.scheduled_jobs;
  may_overlap boolean;
  made ${schema}.jobs;
begin
  select s.* into schedule from ${schema}.scheduled_jobs s where s.id = make_scheduled_job.schedule_id for update;
  if not found then
    return null;
  end if;
  may_overlap := make_scheduled_job.allow_overlap or schedule.overlap = 'allow';
  if not may_overlap and exists (
    select 1 from ${schema}.jobs j
    where j.id = schedule.last_scheduled_id
      and case
        when j.locked_at is null then j.attempts < j.max_attempts
        else j.locked_at >= now() - make_scheduled_job.job_expiry
      end)
  then
    raise exception 'ALREADY_SCHEDULED' using
      errcode = 'PJ001',
      detail = format('Job %s of schedule %s has not ended.', schedule.last_scheduled_id, schedule.id);
  end if;
  made := ${schema}.add_keyed_job(
    nextval('${schema}.jobs_id_seq'), schedule.database_id, schedule.task_identifier, schedule.payload,
    case when not may_overlap then schedule.key end, schedule.queue_name,
    case when make_scheduled_job.tick is null then now() else now() + random() * schedule.jitter end,
    schedule.max_attempts, schedule.priority,
    actor_id => null, entity_id => null,
    request_id => 'schedule-' || schedule.id || '-' ||
      to_char(make_scheduled_job.tick at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"'),
    traceparent => null, job_key_mode => 'replace');
  update ${schema}.scheduled_jobs s
  set last_scheduled = now(), last_scheduled_id = made.id
  where s.id = schedule.id;
  return made;
end;
$$;
