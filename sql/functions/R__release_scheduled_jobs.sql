-- Compatible with 0.15: gives back the schedules that a scheduler of the old kind holds, all or the given ones.
-- Locks: the schedules' rows.
create or replace function ${schema}.release_scheduled_jobs(worker_id text, ids bigint[] default null) returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
  update ${schema}.scheduled_jobs s
  set locked_at = null, locked_by = null
  where s.locked_by = release_scheduled_jobs.worker_id
    and (release_scheduled_jobs.ids is null or s.id = any (release_scheduled_jobs.ids));
end;
$$;
