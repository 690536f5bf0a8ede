-- Adds a job with a key for add_job, add_jobs_in_context and run_scheduled_job, which have checked the arguments and
-- filled in defaults, and returns the row that carries the key afterwards: a new one has the id new_id, any other was
-- there before. Without a key it always inserts. By job_key_mode and what the tenant's job of that key is doing:
--                    no such job, or ended   not held (also dead)         running or waiting
--   replace          inserted                replaced: starts over        left without its key, and not tried again
--                                                                         however its attempt ends; a new one inserted
--   preserve_run_at  inserted                as replace, but run_at       as replace
--                                            stays if it was never tried
--   unsafe_dedupe    inserted                returned as it is            returned as it is
-- Locks: the row that holds the key, until the end of the caller's transaction, so a claim or outcome of it that is
-- under way comes first and is seen, and later ones wait (claimers pass over it). unsafe_dedupe locks nothing that is
-- there: its answer is true for the moment of the call. Two callers with a key that is new wait for each other; the later
-- one finds the job of the earlier one.
create or replace function ${schema}.add_keyed_job(
  new_id bigint,
  db_id uuid,
  identifier text,
  payload json,
  job_key text,
  queue_name text,
  run_at timestamptz,
  max_attempts int,
  priority int,
  actor_id uuid,
  entity_id uuid,
  request_id text,
  traceparent text,
  job_key_mode text
) returns ${schema}.jobs
language plpgsql
set search_path = pg_catalog, pg_temp
set enable_seqscan = off
set jit = off
as $$
declare
  carrier ${schema}.jobs;
begin
  loop
    if add_keyed_job.job_key_mode = 'unsafe_dedupe' then
      select j.* into carrier
      from ${schema}.jobs j
      where j.database_id = add_keyed_job.db_id and j.key = add_keyed_job.job_key;
      if found then
        return carrier;
      end if;
    else
      select j.* into carrier
      from ${schema}.jobs j
      where j.database_id = add_keyed_job.db_id and j.key = add_keyed_job.job_key
      for update;
      if found and carrier.locked_at is null then
        update ${schema}.jobs j
        set task_identifier = add_keyed_job.identifier,
          payload = add_keyed_job.payload,
          queue_name = add_keyed_job.queue_name,
          run_at = case
            when add_keyed_job.job_key_mode = 'preserve_run_at' and j.attempts = 0 and j.infra_failures = 0 then j.run_at
            else add_keyed_job.run_at
          end,
          max_attempts = add_keyed_job.max_attempts,
          priority = add_keyed_job.priority,
          actor_id = add_keyed_job.actor_id,
          entity_id = add_keyed_job.entity_id,
          request_id = add_keyed_job.request_id,
          traceparent = add_keyed_job.traceparent,
          attempts = 0,
          infra_failures = 0,
          last_error = null,
          errors = '[]'::jsonb,
          progress = null,
          replayed_at = null,
          replayed_by = null,
          updated_at = now()
        where j.id = carrier.id
        returning j.* into carrier;
        -- The insert trigger sees no row that was replaced; notifications of one transaction are folded.
        if carrier.run_at <= now() + interval '1 minute' then
          perform pg_notify('jobs:insert', '');
        end if;
        return carrier;
      elsif found then
        -- It is running. Its attempts stay as they are until it ends: they are part of its fence.
        update ${schema}.jobs j
        set key = null, superseded_at = now(), updated_at = now()
        where j.id = carrier.id;
      end if;
    end if;

    -- Whoever adds the same key at the same time is waited for, and met in the next round.
    insert into ${schema}.jobs as j (
      id, database_id, task_identifier, payload, queue_name, run_at, max_attempts, key, priority,
      actor_id, entity_id, request_id, traceparent)
    values (
      add_keyed_job.new_id, add_keyed_job.db_id, add_keyed_job.identifier, add_keyed_job.payload,
      add_keyed_job.queue_name, add_keyed_job.run_at, add_keyed_job.max_attempts, add_keyed_job.job_key,
      add_keyed_job.priority, add_keyed_job.actor_id, add_keyed_job.entity_id, add_keyed_job.request_id,
      add_keyed_job.traceparent)
    on conflict (database_id, key) where key is not null do nothing
    returning j.* into carrier;
    if found then
      return carrier;
    end if;
  end loop;
end;
$$;
