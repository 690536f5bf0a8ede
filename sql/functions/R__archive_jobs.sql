-- Moves jobs to job_history in the given state, whoever holds them; the caller has decided that it may. Of a cancelled
-- job the history keeps who and why, and the worker that runs it hears of it on jobs:cancel.
-- Locks: the jobs' rows.
create or replace function ${schema}.archive_jobs(job_ids bigint[], state text, reason text default null)
returns setof ${schema}.jobs
language plpgsql
set search_path = pg_catalog, pg_temp
set enable_seqscan = off
set jit = off
as $$
declare
  job ${schema}.jobs;
begin
  for job in
    delete from ${schema}.jobs j where j.id = any (archive_jobs.job_ids) returning j.*
  loop
    insert into ${schema}.job_history (
      id, database_id, queue_name, task_identifier, payload, priority, run_at, attempts, max_attempts, key, last_error,
      started_at, worker_id, lease_token, created_at, actor_id, entity_id, request_id, traceparent, infra_failures,
      errors, progress, replayed_at, replayed_by, state, cancelled_by, cancel_reason)
    values (
      job.id, job.database_id, job.queue_name, job.task_identifier, job.payload, job.priority, job.run_at,
      job.attempts, job.max_attempts, job.key, job.last_error, job.locked_at, job.locked_by, job.lease_token,
      job.created_at, job.actor_id, job.entity_id, job.request_id, job.traceparent, job.infra_failures, job.errors,
      job.progress, job.replayed_at, job.replayed_by, archive_jobs.state,
      case when archive_jobs.state = 'cancelled'
        then coalesce(nullif(current_setting('role', true), 'none'), session_user::text) end, archive_jobs.reason);
    if archive_jobs.state = 'cancelled' and job.locked_at is not null and job.waiting_since is null then
      perform pg_notify('jobs:cancel', job.id::text);
    end if;
    if job.queue_name is not null or ${schema}.caps_exist() then
      perform pg_notify('jobs:insert', '');
    end if;
    return next job;
  end loop;
end;
$$;
