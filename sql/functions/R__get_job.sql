-- Compatible with 0.15: claims one job for a worker that knows no renewal, under a lease of job_expiry. Such a worker
-- may have no reaper beside it, so expired leases are taken back first. A null row when nothing is due.
-- Locks: as claim_jobs and reap_leases.
create or replace function ${schema}.get_job(
  worker_id text,
  task_identifiers text[] default null,
  job_expiry interval default '4 hours'
) returns ${schema}.jobs
language plpgsql
set search_path = pg_catalog, pg_temp
set enable_seqscan = off
set jit = off
as $$
declare
  claimed_id bigint;
  claimed ${schema}.jobs;
begin
  if get_job.worker_id is null then
    raise exception 'INVALID_WORKER_ID' using errcode = 'PJ002', detail = 'worker_id is null.';
  end if;
  perform ${schema}.reap_leases();
  select c.id into claimed_id
  from ${schema}.claim_jobs(get_job.worker_id, get_job.task_identifiers, 1, get_job.job_expiry) c;
  if not found then
    return null;
  end if;
  -- A statement of its own: the one that claims would still see the row as it was before.
  select j.* into claimed from ${schema}.jobs j where j.id = claimed_id;
  return claimed;
end;
$$;
