-- Adds a job in the caller's transaction and returns its row. Null arguments mean the defaults; actor_id, entity_id,
-- request_id and traceparent come from session_context when they are null. With a job_key, which is unique per tenant,
-- job_key_mode says what becomes of the tenant's job of that key: see add_keyed_job. A value that cannot be is refused
-- with INVALID_ARGUMENT (PJ003), another tenant than the caller's own with TENANT_FORBIDDEN (PJ005).
-- Locks: none without a job_key; with one, as add_keyed_job.
create or replace function ${schema}.add_job(
  db_id uuid,
  identifier text,
  payload json default '{}'::json,
  job_key text default null,
  queue_name text default null,
  run_at timestamptz default now(),
  max_attempts int default 25,
  priority int default 0,
  actor_id uuid default null,
  entity_id uuid default null,
  request_id text default null,
  traceparent text default null,
  job_key_mode text default 'replace'
) returns ${schema}.jobs
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  added ${schema}.jobs;
  session record;
  refusal text;
begin
  refusal := case
    when add_job.db_id is null then 'db_id is null'
    else ${schema}.job_refusal(
      '{identifier,job_key,queue_name,max_attempts,job_key_mode}', add_job.identifier, add_job.job_key,
      add_job.queue_name, add_job.max_attempts, add_job.job_key_mode)
  end;
  if refusal is not null then
    raise exception 'INVALID_ARGUMENT' using
      errcode = 'PJ003',
      detail = refusal || '.',
      hint = 'Every job belongs to a database id and names a task: add_job(db_id, identifier, payload).';
  end if;

  perform ${schema}.require_tenant(add_job.db_id);
  session := ${schema}.session_context();
  if add_job.job_key is not null then
    return ${schema}.add_keyed_job(
      nextval('${schema}.jobs_id_seq'), add_job.db_id, add_job.identifier, coalesce(add_job.payload, '{}'::json),
      add_job.job_key, add_job.queue_name, coalesce(add_job.run_at, now()), coalesce(add_job.max_attempts, 25),
      coalesce(add_job.priority, 0), coalesce(add_job.actor_id, session.actor_id),
      coalesce(add_job.entity_id, session.entity_id), coalesce(add_job.request_id, session.request_id),
      coalesce(add_job.traceparent, session.traceparent), coalesce(add_job.job_key_mode, 'replace'));
  end if;

  insert into ${schema}.jobs as j (
    database_id, task_identifier, payload, queue_name, run_at, max_attempts, priority,
    actor_id, entity_id, request_id, traceparent)
  values (
    add_job.db_id, add_job.identifier, coalesce(add_job.payload, '{}'::json), add_job.queue_name,
    coalesce(add_job.run_at, now()), coalesce(add_job.max_attempts, 25), coalesce(add_job.priority, 0),
    coalesce(add_job.actor_id, session.actor_id), coalesce(add_job.entity_id, session.entity_id),
    coalesce(add_job.request_id, session.request_id), coalesce(add_job.traceparent, session.traceparent))
  returning j.* into added;
  return added;
end;
$$;
