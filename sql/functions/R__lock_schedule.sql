-- Holds a schedule still until the end of the transaction and returns its row; nulls when there is no such schedule or it
-- is another tenant's. For who looks before he changes. Locks: the schedule's row; a tick that is being taken comes first.
create or replace function ${schema}.lock_schedule(schedule_id bigint) returns ${schema}.scheduled_jobs
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  bound constant uuid := ${schema}.caller_tenant();
  held ${schema}.scheduled_jobs;
begin
  select s.* into held
  from ${schema}.scheduled_jobs s
  where s.id = lock_schedule.schedule_id and (bound is null or s.database_id = bound)
  for update;
  if not found then
    return null;
  end if;
  return held;
end;
$$;
