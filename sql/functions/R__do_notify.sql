-- Notifies the channel named by the trigger's argument, with an empty payload. Locks: none.
create or replace function ${schema}.do_notify() returns trigger
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
  perform pg_notify(tg_argv[0], '');
  return new;
end;
$$;
