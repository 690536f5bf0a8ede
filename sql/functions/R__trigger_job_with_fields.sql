-- Trigger: adds a job for the task named by the first argument, with the columns named by the others as payload (their
-- values as text, under the names as given), for the session's tenant. A name that is no column's, letter for letter, is
-- read as SQL reads one: Name is the column name, "Name" the column Name, a.b the field b of column a. Names are quoted and
-- values are bound: neither becomes part of a statement.
-- Locks: as add_job. The job commits or disappears with the statement that fired the trigger.
create or replace function ${schema}.trigger_job_with_fields() returns trigger
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  changed record;
  field text;
  path text;
  arguments text[] := '{}';
begin
  if tg_op = 'DELETE' then
    changed := old;
  else
    changed := new;
  end if;
  for i in 1 .. tg_nargs - 1 loop
    if exists (
      select 1 from pg_attribute a where a.attrelid = tg_relid and a.attname = tg_argv[i] and a.attnum > 0)
    then
      path := quote_ident(tg_argv[i]);
    else
      select string_agg(quote_ident(part.name), '.' order by part.position) into path
      from unnest(parse_ident(tg_argv[i])) with ordinality as part (name, position);
    end if;
    execute format('select ($1).%s::text', path) using changed into field;
    arguments := arguments || array[tg_argv[i], field];
  end loop;
  perform ${schema}.add_job(
    ${schema}.required_database_id(), tg_argv[0], ${schema}.json_build_object_apply(arguments));
  return changed;
end;
$$;
