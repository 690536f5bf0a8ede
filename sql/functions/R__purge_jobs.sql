-- Forgets jobs: deletes those that are dead letters or have succeeded or been cancelled, and returns their ids. Jobs that
-- still have something before them, and another tenant's, are left as they are. They go nowhere else.
-- Locks: the dead letters in the order of their ids, then the rows of the history. Who replays one at the same time comes
-- first, and it is left; or comes later, and finds nothing.
create or replace function ${schema}.purge_jobs(job_ids bigint[]) returns setof bigint
language plpgsql security definer
set search_path = pg_catalog, pg_temp
set enable_seqscan = off
set jit = off
as $$
declare
  bound constant uuid := ${schema}.caller_tenant();
begin
  perform 1 from ${schema}.jobs j
  where j.id = any (purge_jobs.job_ids) and j.died_at is not null and (bound is null or j.database_id = bound)
  order by j.id
  for update;
  return query
  delete from ${schema}.jobs j
  where j.id = any (purge_jobs.job_ids) and j.died_at is not null and (bound is null or j.database_id = bound)
  returning j.id;
  return query
  delete from ${schema}.job_history h
  where h.id = any (purge_jobs.job_ids) and (bound is null or h.database_id = bound)
  returning h.id;
end;
$$;
