-- Cancels a job that has not ended and returns it as it was; null when there is no such job any more, or it is
-- another tenant's. Final: the row is
-- gone, so no outcome of a running attempt finds it. The worker that runs it hears of it on jobs:cancel and breaks the
-- exchange off; a function that owes a report learns it from the answer to its next one.
-- Locks: the job's row; waits for an outcome that is being written, and then finds nothing to cancel if that ended it.
create or replace function ${schema}.cancel_job(job_id bigint, reason text default null) returns ${schema}.jobs
language plpgsql security definer
set search_path = pg_catalog, pg_temp
set enable_seqscan = off
set jit = off
as $$
declare
  bound constant uuid := ${schema}.caller_tenant();
  cancelled ${schema}.jobs;
begin
  select a.* into cancelled
  from ${schema}.archive_jobs(
    array(
      select j.id from ${schema}.jobs j
      where j.id = cancel_job.job_id and (bound is null or j.database_id = bound)),
    'cancelled',
    cancel_job.reason) a;
  if not found then
    return null;
  end if;
  return cancelled;
end;
$$;
