-- Trigger: adds a job for the task named by the first argument, with the row's id as payload, for the session's tenant.
-- Locks: as add_job. The job commits or disappears with the statement that fired the trigger.
create or replace function ${schema}.tg_add_job_with_row_id() returns trigger
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  if tg_op = 'DELETE' then
    perform ${schema}.add_job(${schema}.required_database_id(), tg_argv[0], json_build_object('id', old.id));
    return old;
  end if;
  perform ${schema}.add_job(${schema}.required_database_id(), tg_argv[0], json_build_object('id', new.id));
  return new;
end;
$$;
