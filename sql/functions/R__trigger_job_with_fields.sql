-- Trigger: adds a job for the task named by the first argument, with the columns named by the others as payload (their
-- values as text), for the session's tenant. Names are quoted and values are bound: neither becomes part of a statement.
-- Locks: as add_job. The job commits or disappears with the statement that fired the trigger.
create or replace function ${schema}.trigger_job_with_fields() returns trigger
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  changed record;
  field text;
  arguments text[] := '{}';
begin
  if tg_op = 'DELETE' then
    changed := old;
  else
    changed := new;
  end if;
  for i in 1 .. tg_nargs - 1 loop
    execute format('select ($1).%I::text', tg_argv[i]) using changed into field;
    arguments := arguments || array[tg_argv[i], field];
  end loop;
  perform ${schema}.add_job(
    ${schema}.current_database_id(), tg_argv[0], ${schema}.json_build_object_apply(arguments));
  return changed;
end;
$$;
