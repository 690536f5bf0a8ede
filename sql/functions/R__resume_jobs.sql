-- Ends a pause of pause_jobs, named in the same way and refused to the same callers, and wakes workers. Returns whether
-- there was one.
-- Locks: the row of the settings.
create or replace function ${schema}.resume_jobs(
  task text default null,
  db_id uuid default null,
  queue text default null
) returns boolean
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  perform ${schema}.require_scope(resume_jobs.task, resume_jobs.db_id, resume_jobs.queue);
  if resume_jobs.task is not null then
    update ${schema}.task_settings s
    set paused_at = null, paused_by = null
    where s.task_identifier = resume_jobs.task and s.paused_at is not null;
  elsif resume_jobs.queue is not null then
    delete from ${schema}.paused_queues p
    where p.database_id = resume_jobs.db_id and p.queue_name = resume_jobs.queue;
  else
    update ${schema}.tenant_settings s
    set paused_at = null, paused_by = null
    where s.database_id = resume_jobs.db_id and s.paused_at is not null;
  end if;
  return found;
end;
$$;
