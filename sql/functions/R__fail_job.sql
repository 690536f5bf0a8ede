-- Compatible with 0.15: a failed attempt of the worker that holds the job; it comes back after retry_delay or is dead when
-- its attempts are used up. A null row when the worker does not hold it. Locks: the job's row.
create or replace function ${schema}.fail_job(worker_id text, job_id bigint, error_message text)
returns ${schema}.jobs
language plpgsql strict
set search_path = pg_catalog, pg_temp
set enable_seqscan = off
set jit = off
as $$
declare
  failed ${schema}.jobs;
begin
  update ${schema}.jobs j
  set attempts = ${schema}.attempts_after(j, true),
    last_error = fail_job.error_message,
    errors = ${schema}.attempt_error(j, 'retry', null, fail_job.error_message),
    run_at = now() + ${schema}.retry_delay(j.task_identifier, j.attempts),
    locked_at = null,
    locked_by = null,
    lease_token = null,
    lease_expires_at = null,
    waiting_since = null,
    updated_at = now()
  where j.id = fail_job.job_id and j.locked_by = fail_job.worker_id
  returning j.* into failed;
  if not found then
    return null;
  end if;
  perform pg_notify('jobs:insert', '');
  return failed;
end;
$$;
