-- Ends a schedule's pause and returns its row; nulls when there is no such schedule or it is another tenant's. A scheduler
-- plans it from now on. One that was not paused stays as it is. Locks: the schedule's row.
create or replace function ${schema}.resume_schedule(schedule_id bigint) returns ${schema}.scheduled_jobs
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  bound constant uuid := ${schema}.caller_tenant();
  resumed ${schema}.scheduled_jobs;
begin
  update ${schema}.scheduled_jobs s
  set paused_at = null, paused_by = null
  where s.id = resume_schedule.schedule_id and (bound is null or s.database_id = bound)
  returning s.* into resumed;
  if not found then
    return null;
  end if;
  return resumed;
end;
$$;
