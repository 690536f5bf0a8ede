-- The state of a job, derived from its columns as docs/job-lifecycle.md draws it. Locks: none. Its body is bound to names when
-- it is made, so that it needs no search_path and statements that count whole tables take it in: a row takes a tenth of the time.
create or replace function ${schema}.job_state(job ${schema}.jobs) returns text
language sql stable
return case
  when job.locked_at is not null then case when job.waiting_since is null then 'running' else 'waiting' end
  when job.attempts >= job.max_attempts then 'dead'
  when job.run_at <= now() then 'ready'
  when job.attempts > 0 or job.infra_failures > 0 then 'retrying'
  else 'scheduled'
end;
