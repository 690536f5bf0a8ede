-- Compatible with 0.15: an operator makes jobs that nobody holds dead letters; returns them. Locks: the jobs' rows.
create or replace function ${schema}.permanently_fail_jobs(job_ids bigint[], error_message text default null)
returns setof ${schema}.jobs
language sql
set search_path = pg_catalog, pg_temp
as $$
  update ${schema}.jobs j
  set last_error = coalesce(permanently_fail_jobs.error_message, 'Manually marked as failed'),
    attempts = j.max_attempts,
    locked_at = null,
    locked_by = null,
    lease_token = null,
    lease_expires_at = null,
    waiting_since = null,
    updated_at = now()
  where j.id = any (permanently_fail_jobs.job_ids)
    and (j.locked_at is null or j.lease_expires_at <= clock_timestamp())
  returning j.*;
$$;
