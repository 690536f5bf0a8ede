-- Compatible with 0.15, but only for the worker that holds the job: 0.15 let anyone end it. A null row when the worker
-- does not hold it. Locks: the job's row.
create or replace function ${schema}.complete_job(worker_id text, job_id bigint) returns ${schema}.jobs
language plpgsql
set search_path = pg_catalog, pg_temp
set enable_seqscan = off
set jit = off
as $$
declare
  completed ${schema}.jobs;
begin
  perform 1 from ${schema}.jobs j
  where j.id = complete_job.job_id and j.locked_by = complete_job.worker_id
  for update;
  if not found then
    return null;
  end if;
  select a.* into completed from ${schema}.archive_jobs(array[complete_job.job_id], 'succeeded') a;
  return completed;
end;
$$;
