-- Keeps the caller's row in workers, and drops rows that were not written for ten minutes: their workers were killed, or
-- cannot reach the database. When no worker is left, the last ones' rows stay, and say since when.
-- Locks: the caller's own row, which nobody else writes but forget_worker, and stale rows that no other caller drops at
-- the moment (skip locked). It gives up after two seconds: a report must not keep a connection from the jobs.
create or replace function ${schema}.report_worker(
  worker_id text,
  tasks text[],
  slots int,
  running int,
  targets jsonb
) returns void
language plpgsql
set search_path = pg_catalog, pg_temp
set lock_timeout = '2s'
as $$
#variable_conflict use_column
begin
  insert into ${schema}.workers as w (worker_id, started_at, seen_at, tasks, slots, running, targets)
  values (
    report_worker.worker_id, now(), now(), report_worker.tasks, report_worker.slots, report_worker.running,
    report_worker.targets)
  on conflict (worker_id) do update
  set seen_at = excluded.seen_at,
    tasks = excluded.tasks,
    slots = excluded.slots,
    running = excluded.running,
    targets = excluded.targets;

  delete from ${schema}.workers w
  where w.worker_id in (
    select stale.worker_id
    from ${schema}.workers stale
    where stale.seen_at < now() - interval '10 minutes'
      and stale.worker_id <> report_worker.worker_id
    for update skip locked);
end;
$$;
