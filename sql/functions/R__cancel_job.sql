-- Cancels a job that has not ended and returns it as it was; null when there is no such job any more. Final: the row is
-- gone, so no outcome of a running attempt finds it. The worker that runs it hears of it on jobs:cancel and breaks the
-- exchange off; a function that owes a report learns it from the answer to its next one.
-- Locks: the job's row; waits for an outcome that is being written, and then finds nothing to cancel if that ended it.
create or replace function ${schema}.cancel_job(job_id bigint, reason text default null) returns ${schema}.jobs
language plpgsql
set search_path = pg_catalog, pg_temp
set enable_seqscan = off
as $$
declare
  cancelled ${schema}.jobs;
begin
  select a.* into cancelled
  from ${schema}.archive_jobs(array[cancel_job.job_id], 'cancelled', cancel_job.reason) a;
  if not found then
    return null;
  end if;
  return cancelled;
end;
$$;
