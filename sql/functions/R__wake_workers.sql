-- Wakes all workers, and takes back the promise of one that no longer looks by itself: inserts notify again from now on.
-- A worker calls it when it stops. Locks: Postgres' notify lock at commit.
create or replace function ${schema}.wake_workers() returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
  perform setval('${schema}.awake_until', 0);
  perform pg_notify('jobs:insert', '');
end;
$$;
