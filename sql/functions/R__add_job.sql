-- Adds a job in the caller's transaction and returns its row. With a job_key, which is unique per tenant:
--   no such job, or one that ended          a new job is inserted
--   one that is not running (also dead)     it is replaced and starts over: attempts 0, no errors
--   one that is running                     it keeps running without its key and is not tried again, however its
--                                           attempt ends; a new job is inserted and carries the key
-- Locks: the row that holds the key. Two callers with one key wait for each other; the later one replaces.
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
  traceparent text default null
) returns ${schema}.jobs
language plpgsql security definer
set search_path = pg_catalog, pg_temp
set enable_seqscan = off
as $$
declare
  added ${schema}.jobs;
begin
  if add_job.db_id is null or coalesce(add_job.identifier, '') = '' then
    raise exception 'INVALID_ARGUMENT' using
      errcode = 'PJ003',
      detail = case when add_job.db_id is null then 'db_id is null.' else 'identifier is null or empty.' end,
      hint = 'Every job belongs to a database id and names a task: add_job(db_id, identifier, payload).';
  end if;

  loop
    insert into ${schema}.jobs as j (
      database_id, task_identifier, payload, queue_name, run_at, max_attempts, key, priority,
      actor_id, entity_id, request_id, traceparent)
    values (
      add_job.db_id, add_job.identifier, coalesce(add_job.payload, '{}'::json), add_job.queue_name,
      coalesce(add_job.run_at, now()), coalesce(add_job.max_attempts, 25), add_job.job_key,
      coalesce(add_job.priority, 0), add_job.actor_id, add_job.entity_id, add_job.request_id, add_job.traceparent)
    on conflict (database_id, key) where key is not null do update
    set task_identifier = excluded.task_identifier,
      payload = excluded.payload,
      queue_name = excluded.queue_name,
      run_at = excluded.run_at,
      max_attempts = excluded.max_attempts,
      priority = excluded.priority,
      actor_id = excluded.actor_id,
      entity_id = excluded.entity_id,
      request_id = excluded.request_id,
      traceparent = excluded.traceparent,
      attempts = 0,
      infra_failures = 0,
      last_error = null,
      errors = '[]'::jsonb,
      progress = null,
      updated_at = now()
    where j.locked_at is null
    returning j.* into added;

    if found then
      exit;
    end if;

    -- The key's job is running. Its attempts stay as they are until it ends: they are part of its fence.
    update ${schema}.jobs j
    set key = null, superseded_at = now(), updated_at = now()
    where j.database_id = add_job.db_id and j.key = add_job.job_key and j.locked_at is not null;
  end loop;

  -- The insert trigger sees no row that was replaced; notifications of one transaction are folded.
  if add_job.job_key is not null and added.run_at <= now() + interval '1 minute' then
    perform pg_notify('jobs:insert', '');
  end if;
  return added;
end;
$$;
