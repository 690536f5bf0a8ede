-- Appends a failed attempt to a job's history of errors and keeps the last 20. Locks: none.
create or replace function ${schema}.attempt_error(
  job ${schema}.jobs, outcome text, status int, message text) returns jsonb
language sql stable
set search_path = pg_catalog, pg_temp
as $$
  select case when jsonb_array_length(job.errors) >= 20 then job.errors - 0 else job.errors end
    || jsonb_build_array(jsonb_strip_nulls(jsonb_build_object(
      'at', now(),
      'attempt', job.attempts,
      'outcome', outcome,
      'status', status,
      'error', message,
      'ms', round(extract(epoch from now() - job.locked_at) * 1000),
      'worker', job.locked_by,
      'lease', job.lease_token)));
$$;
