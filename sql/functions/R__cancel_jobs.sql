-- Cancels many jobs, as cancel_job does with each, in one transaction. Answers those that it cancelled, in the order of
-- their ids: the state that each was in, and who held it. Ids that are missing there had ended, never were, or are
-- another tenant's.
-- Locks: the jobs in the order of their ids, so that overlapping calls queue up instead of deadlocking; waits as
-- cancel_job does.
create or replace function ${schema}.cancel_jobs(job_ids bigint[], reason text default null)
returns table (job_id bigint, task_identifier text, former_state text, worker_id text)
language plpgsql security definer
set search_path = pg_catalog, pg_temp
set enable_seqscan = off
set jit = off
as $$
#variable_conflict use_column
declare
  bound constant uuid := ${schema}.caller_tenant();
begin
  return query
  select a.id, a.task_identifier, ${schema}.job_state(a), a.locked_by
  from ${schema}.archive_jobs(
    array(
      select j.id from ${schema}.jobs j
      where j.id = any (cancel_jobs.job_ids) and (bound is null or j.database_id = bound)
      order by j.id
      for update),
    'cancelled',
    cancel_jobs.reason) a
  order by a.id;
end;
$$;
