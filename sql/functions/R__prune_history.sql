-- Makes the partitions of job_history for today and the next three days, drops those that ended before the retention,
-- and forgets schedule ticks as old. Returns how many partitions were dropped. Days are UTC.
-- Locks: access exclusive on job_history for a moment, only when a partition is made or dropped; one caller at a time,
-- others return at once.
create or replace function ${schema}.prune_history(retention interval) returns int
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  today date := (now() at time zone 'UTC')::date;
  day date;
  old record;
  dropped int := 0;
begin
  if not pg_try_advisory_xact_lock(hashtextextended('${schema}.prune_history', 0)) then
    return 0;
  end if;
  for day in select today + n from generate_series(0, 3) as n loop
    if to_regclass(format('${schema}.job_history_%s', to_char(day, 'YYYYMMDD'))) is null
      -- Rows that the default partition took for that day would refuse it; it then keeps that day.
      and not exists (
        select 1 from ${schema}.job_history_default h
        where h.finished_at >= day::timestamp at time zone 'UTC'
          and h.finished_at < (day + 1)::timestamp at time zone 'UTC')
    then
      execute format(
        'create table ${schema}.job_history_%s partition of ${schema}.job_history for values from (%L) to (%L)',
        to_char(day, 'YYYYMMDD'),
        day::timestamp at time zone 'UTC',
        (day + 1)::timestamp at time zone 'UTC');
    end if;
  end loop;
  for old in
    select c.relname
    from pg_catalog.pg_inherits i
    join pg_catalog.pg_class c on c.oid = i.inhrelid
    where i.inhparent = '${schema}.job_history'::regclass
      and c.relname ~ '^job_history_[0-9]{8}$'
      and to_date(right(c.relname, 8), 'YYYYMMDD') + 1 < (now() - prune_history.retention) at time zone 'UTC'
  loop
    execute format('drop table ${schema}.%I', old.relname);
    dropped := dropped + 1;
  end loop;
  delete from ${schema}.job_history_default h where h.finished_at < now() - prune_history.retention;
  delete from ${schema}.schedule_ticks t where t.tick < now() - prune_history.retention;
  return dropped;
end;
$$;
