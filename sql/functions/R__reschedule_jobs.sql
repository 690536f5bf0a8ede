-- Compatible with 0.15: changes when and how often jobs that nobody holds are tried; null leaves a value as it is.
-- Giving attempts also forgets the infrastructure failures: who revives a dead letter means it.
-- Returns the changed jobs. Locks: the jobs in the order of their ids.
create or replace function ${schema}.reschedule_jobs(
  job_ids bigint[],
  run_at timestamptz default null,
  priority int default null,
  attempts int default null,
  max_attempts int default null
) returns setof ${schema}.jobs
language plpgsql
set search_path = pg_catalog, pg_temp
set enable_seqscan = off
set jit = off
as $$
#variable_conflict use_column
begin
  perform 1 from ${schema}.jobs j where j.id = any (reschedule_jobs.job_ids) order by j.id for update;
  return query
  update ${schema}.jobs j
  set run_at = coalesce(reschedule_jobs.run_at, j.run_at),
    priority = coalesce(reschedule_jobs.priority, j.priority),
    attempts = coalesce(reschedule_jobs.attempts, j.attempts),
    max_attempts = coalesce(reschedule_jobs.max_attempts, j.max_attempts),
    infra_failures = case when reschedule_jobs.attempts is null then j.infra_failures else 0 end,
    superseded_at = case when reschedule_jobs.attempts is null then j.superseded_at end,
    locked_at = null,
    locked_by = null,
    lease_token = null,
    lease_expires_at = null,
    waiting_since = null,
    updated_at = now()
  where j.id = any (reschedule_jobs.job_ids)
    and (j.locked_at is null or j.lease_expires_at <= clock_timestamp())
  returning j.*;
  if found then
    perform pg_notify('jobs:insert', '');
  end if;
end;
$$;
