-- Keeps the history of a state (succeeded, cancelled) within its retention. One call makes the missing partitions of today
-- and the next three days, drops the oldest one that ended before the retention, and deletes up to max_rows such rows
-- from the default partition; call again while it removes something. Days are UTC.
-- A day whose rows the default partition took gets a partition all the same, and its rows, while they are few; a day of
-- many stays there and is deleted row by row when its time has come.
-- Locks: access exclusive on the partitioned table of the state and on its default partition, for a moment, only when a
-- partition is made or dropped. It waits for them 200 ms at most, because whoever writes an outcome waits behind it:
-- then it undoes that step and answers blocked, as when somebody reads the history for long. Of several callers one
-- works, the others return at once.
create or replace function ${schema}.prune_history(
  state text,
  retention interval,
  max_rows int default 1000
) returns table (dropped int, deleted int, blocked boolean)
language plpgsql
set search_path = pg_catalog, pg_temp
set lock_timeout = '200ms'
as $$
declare
  moved_rows_max constant int := 10000;
  prefix constant text := 'job_history_' || prune_history.state;
  today constant date := (now() at time zone 'UTC')::date;
  oldest_kept constant timestamptz := now() - prune_history.retention;
  day date;
  day_table text;
  starts timestamptz;
  ends timestamptz;
  rows_of_day int;
  expired text;
begin
  if prune_history.state is null or prune_history.state not in ('succeeded', 'cancelled') then
    raise exception 'INVALID_ARGUMENT' using
      errcode = 'PJ003',
      detail = format('state is %s.', coalesce(quote_literal(prune_history.state), 'null')),
      hint = 'The history has succeeded and cancelled jobs.';
  end if;
  dropped := 0;
  deleted := 0;
  blocked := false;
  if not pg_try_advisory_xact_lock(hashtextextended('${schema}.prune_history:' || prune_history.state, 0)) then
    return next;
    return;
  end if;

  for day in select today + n from generate_series(0, 3) as n loop
    day_table := format('%s_%s', prefix, to_char(day, 'YYYYMMDD'));
    -- Also when somebody has detached it to keep it.
    continue when to_regclass(format('${schema}.%I', day_table)) is not null;
    starts := day::timestamp at time zone 'UTC';
    ends := (day + 1)::timestamp at time zone 'UTC';
    -- Before anything is locked: outcomes must not wait until a full default partition is read.
    execute format(
      'select count(*) from (select from ${schema}.%I h where h.finished_at >= $1 and h.finished_at < $2 limit $3) as few',
      prefix || '_default')
    into rows_of_day using starts, ends, moved_rows_max + 1;
    continue when rows_of_day > moved_rows_max;
    begin
      -- Attaching needs less than that. But an outcome on its way to the default partition would be refused there.
      execute format('lock table only ${schema}.%I, only ${schema}.%I in access exclusive mode', prefix, prefix || '_default');
      execute format('create table ${schema}.%I (like ${schema}.%I including all)', day_table, prefix);
      execute format(
        'with moved as ('
        'delete from ${schema}.%I h where h.finished_at >= $1 and h.finished_at < $2 returning h.*'
        ') insert into ${schema}.%I select m.* from moved m',
        prefix || '_default', day_table)
      using starts, ends;
      execute format(
        'alter table ${schema}.%I attach partition ${schema}.%I for values from (%L) to (%L)',
        prefix, day_table, starts, ends);
    exception
      when lock_not_available then
        blocked := true;
        return next;
        return;
      when invalid_object_definition then
        -- A partition that somebody made by hand covers the day.
        null;
    end;
  end loop;

  select c.relname into expired
  from pg_catalog.pg_inherits i
  join pg_catalog.pg_class c on c.oid = i.inhrelid
  where i.inhparent = to_regclass(format('${schema}.%I', prefix))
    and c.relname ~ ('^' || prefix || '_[0-9]{8}$')
    and (to_date(right(c.relname, 8), 'YYYYMMDD') + 1)::timestamp at time zone 'UTC' <= oldest_kept
  order by c.relname
  limit 1;
  if found then
    begin
      execute format('drop table ${schema}.%I', expired);
      dropped := 1;
    exception when lock_not_available then
      blocked := true;
    end;
  end if;

  execute format(
    'delete from ${schema}.%1$I h where h.ctid = any (array('
    'select old.ctid from ${schema}.%1$I old where old.finished_at < $1 limit $2 for update skip locked))',
    prefix || '_default')
  using oldest_kept, prune_history.max_rows;
  get diagnostics deleted = row_count;
  return next;
end;
$$;
