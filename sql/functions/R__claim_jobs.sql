-- Claims up to max_jobs jobs that are due, under a lease that ends after the given interval unless renewed. Order:
-- priority (lower first), run_at, id; the answer is in that order too. Each claim charges an attempt and makes a new
-- lease token. Of a named queue only the first due job is taken, and only while none of it is leased. Fewer than
-- max_jobs means that nothing else was due, so the jobs that stand behind the head of a queue take no place.
-- Locks: the claimed rows (skip locked: claimers never wait for each other) and, for jobs of named queues, a
-- transaction lock per queue, tried, not waited for. A concurrent claimer sees other rows or none.
-- Cost: the ready index is entered once per distinct priority, so neither future nor leased nor dead rows are met; due
-- jobs that their queue holds back are, at two index look-ups each.
-- The planner is kept off sequential scans because a plan made while the table was empty would otherwise be kept for
-- the whole burst that follows.
create or replace function ${schema}.claim_jobs(
  worker_id text,
  task_identifiers text[],
  max_jobs int,
  lease interval
) returns table (
  id bigint,
  database_id uuid,
  queue_name text,
  task_identifier text,
  payload text,
  attempt int,
  max_attempts int,
  lease_token uuid,
  actor_id uuid,
  entity_id uuid,
  request_id text,
  traceparent text
)
language plpgsql
set search_path = pg_catalog, pg_temp
set enable_seqscan = off
set enable_bitmapscan = off
set enable_sort = off
as $$
declare
  chosen bigint[];
  queued bigint[];
begin
  if coalesce(length(claim_jobs.worker_id), 0) < 4 then
    raise exception 'INVALID_WORKER_ID' using
      errcode = 'PJ002',
      detail = 'A worker id needs at least 4 characters.';
  end if;

  with recursive lanes (priority) as (
    (select j.priority from ${schema}.jobs j
     where j.locked_at is null and j.attempts < j.max_attempts
     order by j.priority limit 1)
    union all
    select (
      select j.priority from ${schema}.jobs j
      where j.locked_at is null and j.attempts < j.max_attempts and j.priority > lanes.priority
      order by j.priority limit 1)
    from lanes
    where lanes.priority is not null
  ), due as (
    select ready.id, ready.queue_name
    from lanes
    cross join lateral (
      select j.id, j.queue_name
      from ${schema}.jobs j
      where j.locked_at is null
        and j.attempts < j.max_attempts
        and j.priority = lanes.priority
        and j.run_at <= now()
        and (claim_jobs.task_identifiers is null or j.task_identifier = any (claim_jobs.task_identifiers))
        and (j.queue_name is null or (
          not exists (
            select 1 from ${schema}.jobs busy
            where busy.database_id = j.database_id
              and busy.queue_name = j.queue_name
              and busy.locked_at is not null)
          and not exists (
            select 1 from ${schema}.jobs earlier
            where earlier.database_id = j.database_id
              and earlier.queue_name = j.queue_name
              and earlier.locked_at is null
              and earlier.attempts < earlier.max_attempts
              and earlier.run_at <= now()
              and (earlier.priority, earlier.run_at, earlier.id) < (j.priority, j.run_at, j.id))))
      order by j.run_at, j.id
      limit claim_jobs.max_jobs
      for update skip locked
    ) as ready
    limit claim_jobs.max_jobs
  )
  select
    array_agg(due.id) filter (where due.queue_name is null),
    array_agg(due.id) filter (where due.queue_name is not null)
  into chosen, queued
  from due;

  if queued is not null then
    chosen := chosen || ${schema}.claim_queue_heads(queued);
  end if;
  if chosen is null then
    return;
  end if;

  return query
  with claimed as (
    update ${schema}.jobs j
    set attempts = j.attempts + 1,
      locked_by = claim_jobs.worker_id,
      locked_at = now(),
      lease_token = gen_random_uuid(),
      lease_expires_at = clock_timestamp() + claim_jobs.lease,
      waiting_since = null,
      updated_at = now()
    where j.id = any (chosen)
    returning
      j.id, j.database_id, j.queue_name, j.task_identifier, j.payload, j.attempts, j.max_attempts, j.lease_token,
      j.actor_id, j.entity_id, j.request_id, j.traceparent, j.priority, j.run_at
  )
  select
    c.id, c.database_id, c.queue_name, c.task_identifier, c.payload::text, c.attempts, c.max_attempts, c.lease_token,
    c.actor_id, c.entity_id, c.request_id, c.traceparent
  from claimed c
  order by c.priority, c.run_at, c.id;
end;
$$;
