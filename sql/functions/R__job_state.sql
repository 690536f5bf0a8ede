-- The state of a job, derived from its columns as docs/job-lifecycle.md draws it. Locks: none.
create or replace function ${schema}.job_state(job ${schema}.jobs) returns text
language sql stable
set search_path = pg_catalog, pg_temp
as $$
  select case
    when job.locked_at is not null then case when job.waiting_since is null then 'running' else 'waiting' end
    when job.attempts >= job.max_attempts then 'dead'
    when job.run_at <= now() then 'ready'
    when job.attempts > 0 or job.infra_failures > 0 then 'retrying'
    else 'scheduled'
  end;
$$;
