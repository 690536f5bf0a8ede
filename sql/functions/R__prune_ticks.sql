-- Forgets up to max_rows schedule ticks older than the retention and returns how many; call again while it is max_rows. A
-- tick so old is never taken again: schedules are planned from now on. Locks: the ticks, skip locked.
create or replace function ${schema}.prune_ticks(retention interval, max_rows int default 1000) returns int
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  deleted int;
begin
  delete from ${schema}.schedule_ticks t
  where t.ctid = any (array(
    select old.ctid from ${schema}.schedule_ticks old
    where old.tick < now() - prune_ticks.retention
    limit prune_ticks.max_rows
    for update skip locked));
  get diagnostics deleted = row_count;
  return deleted;
end;
$$;
