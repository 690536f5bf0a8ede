-- What a schedule is doing, derived from its columns: parked (its rule cannot be read), paused, new (no scheduler has
-- planned it), active (it has a next tick), or over (its rule has no further one). Locks: none.
create or replace function ${schema}.schedule_state(schedule ${schema}.scheduled_jobs) returns text
language sql stable
set search_path = pg_catalog, pg_temp
as $$
  select case
    when schedule.last_error is not null then 'parked'
    when schedule.paused_at is not null then 'paused'
    when schedule.next_tick_at is null then 'new'
    when schedule.next_tick_at = 'infinity' then 'over'
    else 'active'
  end;
$$;
