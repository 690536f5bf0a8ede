-- Keeps updated_at moving for updates that do not set it themselves. Tables of others may use it too, on insert as well,
-- because 0.15 offered it. Locks: none.
create or replace function ${schema}.tg_update_timestamps() returns trigger
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
  if tg_op = 'INSERT' then
    new.created_at := now();
    new.updated_at := now();
  else
    new.created_at := old.created_at;
    new.updated_at := greatest(now(), old.updated_at + interval '1 millisecond');
  end if;
  return new;
end;
$$;
