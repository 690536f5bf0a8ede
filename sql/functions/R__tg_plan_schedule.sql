-- A new or edited rule is planned afresh, and an edited one leaves the parking place. A paused schedule has no next tick;
-- one that is resumed is planned from then on. Locks: none.
create or replace function ${schema}.tg_plan_schedule() returns trigger
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
  if tg_op = 'INSERT' or new.schedule_info::text is distinct from old.schedule_info::text then
    new.next_tick_at := null;
    new.last_error := null;
  end if;
  if new.paused_at is not null then
    new.next_tick_at := null;
  end if;
  return new;
end;
$$;
