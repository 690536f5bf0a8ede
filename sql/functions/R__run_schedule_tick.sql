-- Takes one due moment of a schedule, makes its job and sets the moment after it. planned is next_tick_at as the caller
-- has read it, when the tick is a later one and what lies between is passed over; a null tick takes none. The verdict:
--   made      the job was made
--   overlap   the previous job has not ended; the moment passes without one
--   passed    none was to be taken; the next moment is set
--   taken     another scheduler took or is taking this moment, or the schedule was edited, paused, parked or deleted
--             meanwhile, or somebody's transaction holds its row
-- A moment is taken once whatever the number of schedulers: the row in schedule_ticks is its proof.
-- Locks: the schedule's row, skip locked, so that an open transaction on one schedule does not hold up the others; a
-- second scheduler finds the moment taken.
create or replace function ${schema}.run_schedule_tick(
  schedule_id bigint,
  tick timestamptz,
  next_tick timestamptz,
  planned timestamptz default null
) returns table (verdict text, job_id bigint)
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
  made bigint;
begin
  update ${schema}.scheduled_jobs s
  set next_tick_at = run_schedule_tick.next_tick
  where s.id = (
    select free.id
    from ${schema}.scheduled_jobs free
    where free.id = run_schedule_tick.schedule_id
      and free.next_tick_at = coalesce(run_schedule_tick.planned, run_schedule_tick.tick)
      and greatest(free.next_tick_at, run_schedule_tick.tick) <= ${schema}.schedule_clock()
    for update skip locked);
  if not found then
    return query select 'taken', null::bigint;
    return;
  end if;
  if run_schedule_tick.tick is null then
    return query select 'passed', null::bigint;
    return;
  end if;
  insert into ${schema}.schedule_ticks (schedule_id, tick)
  values (run_schedule_tick.schedule_id, run_schedule_tick.tick)
  on conflict do nothing;
  if not found then
    return query select 'taken', null::bigint;
    return;
  end if;
  begin
    select j.id into made
    from ${schema}.make_scheduled_job(
      run_schedule_tick.schedule_id, interval '1 hour', false, run_schedule_tick.tick) j;
  exception when sqlstate 'PJ001' then
    return query select 'overlap', null::bigint;
    return;
  end;
  update ${schema}.schedule_ticks t
  set job_id = made
  where t.schedule_id = run_schedule_tick.schedule_id and t.tick = run_schedule_tick.tick;
  return query select 'made', made;
end;
$$;
