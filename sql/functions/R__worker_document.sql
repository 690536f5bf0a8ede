-- A worker's report as the JSON object that the HTTP API answers with; its targets as they were at seenAt. Locks: none.
create or replace function ${schema}.worker_document(worker ${schema}.workers) returns json
language sql stable
set search_path = pg_catalog, pg_temp
as $$
  select json_build_object(
    'id', worker.worker_id,
    'startedAt', ${schema}.json_time(worker.started_at),
    'seenAt', ${schema}.json_time(worker.seen_at),
    'tasks', worker.tasks,
    'slots', worker.slots,
    'running', worker.running,
    'targets', worker.targets);
$$;
