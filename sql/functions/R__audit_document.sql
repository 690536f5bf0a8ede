-- A line of the audit log as the JSON object that the HTTP API answers with. Locks: none.
create or replace function ${schema}.audit_document(line ${schema}.audit_log) returns json
language sql stable
set search_path = pg_catalog, pg_temp
as $$
  select json_build_object(
    'id', line.id::text,
    'at', ${schema}.json_time(line.at),
    'actorId', line.actor_id,
    'actor', line.actor,
    'action', line.action,
    'target', line.target,
    'requestId', line.request_id,
    'traceId', split_part(line.traceparent, '-', 2),
    'details', line.details);
$$;
