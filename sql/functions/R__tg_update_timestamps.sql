-- Keeps updated_at moving for updates that do not set it themselves. Locks: none.
create or replace function ${schema}.tg_update_timestamps() returns trigger
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
  new.updated_at := greatest(now(), old.updated_at + interval '1 millisecond');
  return new;
end;
$$;
