-- In how many seconds the next job that may be claimed becomes due; null when none is waiting for its time. Jobs that are
-- due already do not count: whoever claims them has just looked. By the database's clock. Locks: none.
create or replace function ${schema}.next_due(task_identifiers text[]) returns double precision
language sql stable
set search_path = pg_catalog, pg_temp
set enable_seqscan = off
set enable_bitmapscan = off
as $$
  with recursive lanes (priority) as (
    (select j.priority from ${schema}.jobs j
     where j.locked_at is null and j.attempts < j.max_attempts
     order by j.priority limit 1)
    union all
    select (
      select j.priority from ${schema}.jobs j
      where j.locked_at is null and j.attempts < j.max_attempts and j.priority > lanes.priority
      order by j.priority limit 1)
    from lanes
    where lanes.priority is not null
  )
  select extract(epoch from min(soonest.run_at) - clock_timestamp())::double precision
  from lanes
  cross join lateral (
    select j.run_at from ${schema}.jobs j
    where j.locked_at is null
      and j.attempts < j.max_attempts
      and j.priority = lanes.priority
      and j.run_at > now()
      and (next_due.task_identifiers is null or j.task_identifier = any (next_due.task_identifiers))
    order by j.run_at
    limit 1
  ) as soonest;
$$;
