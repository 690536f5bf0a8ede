-- Removes a worker's row, as a worker does that stops.
-- Locks: that row, for as long as a report under way has it, two seconds at most.
create or replace function ${schema}.forget_worker(worker_id text) returns void
language sql
set search_path = pg_catalog, pg_temp
set lock_timeout = '2s'
as $$
  delete from ${schema}.workers w where w.worker_id = forget_worker.worker_id;
$$;
