-- Makes a job of a schedule now, beside its ticks, also when it is paused, parked or over; a null row when there is no
-- such schedule or it is another tenant's. While its last job has not ended it raises ALREADY_SCHEDULED (PJ001) as
-- make_scheduled_job does, unless allow_overlap says otherwise. Locks: the schedule's row.
create or replace function ${schema}.run_schedule(schedule_id bigint, allow_overlap boolean default false)
returns ${schema}.jobs
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  bound constant uuid := ${schema}.caller_tenant();
begin
  perform 1 from ${schema}.scheduled_jobs s
  where s.id = run_schedule.schedule_id and (bound is null or s.database_id = bound);
  if not found then
    return null;
  end if;
  return ${schema}.make_scheduled_job(
    run_schedule.schedule_id, interval '1 hour', coalesce(run_schedule.allow_overlap, false), null);
end;
$$;
