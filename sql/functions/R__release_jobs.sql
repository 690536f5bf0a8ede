-- Compatible with 0.15: gives back, uncharged, everything that the worker holds. Workers of ours release lease by lease
-- (release_leases) and never share an id; one that is named here all the same hears on jobs:cancel what it lost.
-- Locks: the jobs' rows.
create or replace function ${schema}.release_jobs(worker_id text) returns void
language plpgsql
set search_path = pg_catalog, pg_temp
set enable_seqscan = off
set jit = off
as $$
declare
  released bigint;
begin
  for released in
    update ${schema}.jobs j
    set attempts = ${schema}.attempts_after(j, false),
      locked_at = null,
      locked_by = null,
      lease_token = null,
      lease_expires_at = null,
      waiting_since = null,
      updated_at = now()
    where j.locked_at is not null and j.locked_by = release_jobs.worker_id
    returning j.id
  loop
    perform pg_notify('jobs:cancel', released::text);
  end loop;
  if found then
    perform pg_notify('jobs:insert', '');
  end if;
end;
$$;
