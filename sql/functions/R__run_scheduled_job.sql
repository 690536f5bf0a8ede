-- Compatible with 0.15: makes the schedule's job now and returns it; a null row when there is no such schedule. Raises
-- ALREADY_SCHEDULED (PJ001) as make_scheduled_job does. The job has no actor, entity, request or trace.
-- Locks: the schedule's row, so that concurrent callers make one job.
create or replace function ${schema}.run_scheduled_job(id bigint, job_expiry interval default '1 hours')
returns ${schema}.jobs
language sql
set search_path = pg_catalog, pg_temp
as $$
  select made.*
  from ${schema}.make_scheduled_job(run_scheduled_job.id, run_scheduled_job.job_expiry, false, null) made;
$$;
