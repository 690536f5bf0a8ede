-- Cancels a job that has not ended and returns it as it was; null when there is no such job any more. Final: the row is
-- gone, so no outcome of a running attempt finds it, and its worker learns at the next renewal that the lease is lost.
-- Locks: the job's row; waits for an outcome that is being written, and then finds nothing to cancel if that ended it.
create or replace function ${schema}.cancel_job(job_id bigint) returns ${schema}.jobs
language plpgsql
set search_path = pg_catalog, pg_temp
set enable_seqscan = off
as $$
declare
  cancelled ${schema}.jobs;
begin
  select a.* into cancelled from ${schema}.archive_jobs(array[cancel_job.job_id], 'cancelled') a;
  if not found then
    return null;
  end if;
  return cancelled;
end;
$$;
