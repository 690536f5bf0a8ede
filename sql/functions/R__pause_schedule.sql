-- Pauses a schedule and returns its row; nulls when there is no such schedule or it is another tenant's. It makes no job
-- until resume_schedule; the moments in between are no missed ticks. Jobs that it has made go on. Pausing twice keeps the
-- first pause. Locks: the schedule's row; a tick that is being taken comes first.
create or replace function ${schema}.pause_schedule(schedule_id bigint, paused_by text default null)
returns ${schema}.scheduled_jobs
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  bound constant uuid := ${schema}.caller_tenant();
  paused ${schema}.scheduled_jobs;
begin
  update ${schema}.scheduled_jobs s
  set paused_at = coalesce(s.paused_at, now()),
    paused_by = case
      when s.paused_at is null then coalesce(nullif(pause_schedule.paused_by, ''), session_user::text)
      else s.paused_by
    end
  where s.id = pause_schedule.schedule_id and (bound is null or s.database_id = bound)
  returning s.* into paused;
  if not found then
    return null;
  end if;
  return paused;
end;
$$;
