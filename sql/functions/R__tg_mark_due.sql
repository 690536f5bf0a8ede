-- Keeps jobs.due in step with run_at, whoever writes it. run_at null is left to the column's own check. Locks: none.
create or replace function ${schema}.tg_mark_due() returns trigger
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
  new.due := coalesce(new.run_at <= now(), true);
  return new;
end;
$$;
