-- Compatible with 0.15: an operator declares jobs completed that nobody holds; returns them. Locks: the jobs' rows.
create or replace function ${schema}.complete_jobs(job_ids bigint[]) returns setof ${schema}.jobs
language plpgsql
set search_path = pg_catalog, pg_temp
set enable_seqscan = off
set jit = off
as $$
begin
  return query
  select a.*
  from ${schema}.archive_jobs(
    array(
      select j.id from ${schema}.jobs j
      where j.id = any (complete_jobs.job_ids)
        and (j.locked_at is null or j.lease_expires_at <= clock_timestamp())
      order by j.id
      for update),
    'succeeded') a;
end;
$$;
