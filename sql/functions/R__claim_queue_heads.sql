-- Of the given jobs, which the caller has locked, those that are the first due one of a queue that nothing runs in.
-- Locks: tries a transaction lock per queue and passes over queues that another claimer holds. Under that lock a fresh
-- look decides, because the caller's may be older than another claimer's commit.
create or replace function ${schema}.claim_queue_heads(job_ids bigint[]) returns bigint[]
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  candidate record;
  heads bigint[] := '{}';
begin
  for candidate in
    select distinct on (j.database_id, j.queue_name) j.id, j.database_id, j.queue_name, j.priority, j.run_at
    from ${schema}.jobs j
    where j.id = any (claim_queue_heads.job_ids)
    order by j.database_id, j.queue_name, j.priority, j.run_at, j.id
  loop
    continue when not pg_try_advisory_xact_lock(
      hashtextextended('${schema}.queue:' || candidate.database_id || candidate.queue_name, 0));
    if not exists (
      select 1 from ${schema}.jobs busy
      where busy.database_id = candidate.database_id
        and busy.queue_name = candidate.queue_name
        and busy.locked_at is not null)
      and not exists (
        select 1 from ${schema}.jobs earlier
        where earlier.database_id = candidate.database_id
          and earlier.queue_name = candidate.queue_name
          and earlier.locked_at is null
          and earlier.attempts < earlier.max_attempts
          and earlier.run_at <= now()
          and (earlier.priority, earlier.run_at, earlier.id) < (candidate.priority, candidate.run_at, candidate.id))
    then
      heads := heads || candidate.id;
    end if;
  end loop;
  return heads;
end;
$$;
