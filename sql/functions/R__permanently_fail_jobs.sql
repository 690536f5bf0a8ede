-- Compatible with 0.15: an operator makes jobs that nobody holds dead letters; returns them. Where that frees a named
-- queue, workers hear of it. Locks: the jobs in the order of their ids.
create or replace function ${schema}.permanently_fail_jobs(job_ids bigint[], error_message text default null)
returns setof ${schema}.jobs
language plpgsql
set search_path = pg_catalog, pg_temp
set enable_seqscan = off
set jit = off
as $$
begin
  perform 1 from ${schema}.jobs j where j.id = any (permanently_fail_jobs.job_ids) order by j.id for update;
  return query
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
  if found then
    perform pg_notify('jobs:insert', '');
  end if;
end;
$$;
