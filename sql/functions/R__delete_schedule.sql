-- Deletes a schedule with the record of its ticks and returns what it was; nulls when there is no such schedule or it is
-- another tenant's. Jobs that it has made stay: cancel_job ends those. Locks: the schedule's row; a tick that is being
-- taken comes first, later ones find no schedule.
create or replace function ${schema}.delete_schedule(schedule_id bigint) returns ${schema}.scheduled_jobs
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  bound constant uuid := ${schema}.caller_tenant();
  deleted ${schema}.scheduled_jobs;
begin
  delete from ${schema}.scheduled_jobs s
  where s.id = delete_schedule.schedule_id and (bound is null or s.database_id = bound)
  returning s.* into deleted;
  if not found then
    return null;
  end if;
  return deleted;
end;
$$;
