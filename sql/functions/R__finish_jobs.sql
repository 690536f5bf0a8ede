-- Ends attempts, or hands them over to a callback, in one round trip: the arrays run in parallel, an element each.
-- Outcomes, and what they do to the job whose (id, attempt, lease token) match:
--   complete        gone to job_history as succeeded, with its result; its follow-up jobs are added
--   retry           comes back after retry_delay, not before delay seconds; dead when attempts are used up
--   missing         as retry, but dead after the fifth retry: the function answered that it does not exist; a replay
--                   begins the count anew
--   dead            a dead letter
--   infrastructure  the attempt is not charged; comes back after infra_delay; dead after infra_failures_max
--   backpressure    not charged in the first day of the job's life, after that as retry; comes back after delay seconds
--   snooze          not charged; comes back after delay seconds
--   wait            the function answered 202: the lease is the function's from now on, for delay seconds
-- Any other outcome is refused with INVALID_ARGUMENT (PJ003) and nothing is written.
-- Verdicts, a row per element: accepted; or from refused_outcome, when the fence did not match.
-- Cost: planned once a session; planned at each call, which opens every partition of the history, one outcome took 2.0 ms
-- instead of 0.5, two hundred 8.9 instead of 4.7. So the plan has to be right though it was made while the table was empty:
-- a job is looked up by its id (the offset keeps the planner from turning the join around) and found again by its place,
-- which cannot change because its row is locked.
-- Locks: the jobs in the order of their ids, so that overlapping batches queue up instead of deadlocking. Of two
-- outcomes for one attempt the one that gets the row first is accepted, within a batch the earlier one; a 'wait' steps
-- back for an outcome that travels with it, as a quick callback does.
create or replace function ${schema}.finish_jobs(
  job_ids bigint[],
  attempts int[],
  lease_tokens uuid[],
  outcomes text[],
  statuses int[],
  messages text[],
  delays double precision[],
  results text[],
  follow_ups text[]
) returns table (element int, verdict text)
language plpgsql
set search_path = pg_catalog, pg_temp
set enable_seqscan = off
set jit = off
set plan_cache_mode = force_generic_plan
as $$
#variable_conflict use_column
declare
  accepted int[];
  may_wake boolean;
  parent record;
begin
  if exists (
    select 1 from unnest(finish_jobs.outcomes) as o (outcome)
    where o.outcome is null or o.outcome not in (
      'complete', 'retry', 'missing', 'dead', 'infrastructure', 'backpressure', 'snooze', 'wait'))
    or cardinality(finish_jobs.outcomes) is distinct from cardinality(finish_jobs.job_ids)
  then
    raise exception 'INVALID_ARGUMENT' using
      errcode = 'PJ003',
      detail = format('outcomes are %s for %s jobs.', finish_jobs.outcomes, cardinality(finish_jobs.job_ids)),
      hint = 'One of complete, retry, missing, dead, infrastructure, backpressure, snooze, wait for each job.';
  end if;
  perform 1 from ${schema}.jobs j where j.id = any (finish_jobs.job_ids) order by j.id for update;

  with offered as (
    select o.job_id, o.attempt, o.lease, o.outcome, o.status, o.message, o.delay, o.result, o.element
    from unnest(
      finish_jobs.job_ids, finish_jobs.attempts, finish_jobs.lease_tokens, finish_jobs.outcomes, finish_jobs.statuses,
      finish_jobs.messages, finish_jobs.delays, finish_jobs.results)
      with ordinality as o (job_id, attempt, lease, outcome, status, message, delay, result, element)
  ), fenced as materialized (
    select distinct on (o.job_id)
      o.job_id, held.place, o.outcome, o.status, o.message, o.delay, o.result, o.element
    from offered o
    cross join lateral (
      select j.ctid as place
      from ${schema}.jobs j
      where j.id = o.job_id and j.attempts = o.attempt and j.lease_token = o.lease
      offset 0
    ) as held
    order by o.job_id, (o.outcome = 'wait'), o.element
  ), completed as (
    delete from ${schema}.jobs j
    using fenced f
    where f.outcome = 'complete' and j.ctid = f.place
    returning
      j.id, j.database_id, j.queue_name, j.task_identifier, j.payload, j.priority, j.run_at, j.attempts,
      j.max_attempts, j.key, j.last_error, j.locked_at, j.locked_by, j.lease_token, j.created_at, j.actor_id,
      j.entity_id, j.request_id, j.traceparent, j.infra_failures, j.errors, j.progress, j.replayed_at,
      j.replayed_by, f.result
  ), archived as (
    insert into ${schema}.job_history (
      id, database_id, queue_name, task_identifier, payload, priority, run_at, attempts, max_attempts, key, last_error,
      started_at, worker_id, lease_token, created_at, actor_id, entity_id, request_id, traceparent, infra_failures,
      errors, progress, replayed_at, replayed_by, state, result)
    select
      c.id, c.database_id, c.queue_name, c.task_identifier, c.payload, c.priority, c.run_at, c.attempts,
      c.max_attempts, c.key, c.last_error, c.locked_at, c.locked_by, c.lease_token, c.created_at, c.actor_id,
      c.entity_id, c.request_id, c.traceparent, c.infra_failures, c.errors, c.progress, c.replayed_at, c.replayed_by,
      'succeeded', c.result::json
    from completed c
  ), waiting as (
    update ${schema}.jobs j
    set waiting_since = now(),
      -- A heartbeat that came before may have asked for more.
      lease_expires_at = greatest(j.lease_expires_at, clock_timestamp() + make_interval(secs => f.delay)),
      updated_at = now()
    from fenced f
    where f.outcome = 'wait' and j.ctid = f.place
  ), failed as (
    update ${schema}.jobs j
    set attempts = case
        when f.ends then j.max_attempts
        else ${schema}.attempts_after(j, f.charged)
      end,
      infra_failures = j.infra_failures + case when f.outcome = 'infrastructure' then 1 else 0 end,
      run_at = now() + case f.outcome
        when 'infrastructure' then greatest(
          make_interval(secs => f.delay), ${schema}.infra_delay(j.infra_failures + 1))
        when 'snooze' then make_interval(secs => f.delay)
        when 'backpressure' then make_interval(secs => f.delay)
        else greatest(make_interval(secs => f.delay), ${schema}.retry_delay(j.task_identifier, j.attempts))
      end,
      last_error = case
        when f.outcome <> 'snooze' then f.message
        when j.superseded_at is not null then 'a newer job with the same key took over'
        else j.last_error
      end,
      errors = case when f.outcome = 'snooze' then j.errors
        else ${schema}.attempt_error(j, f.outcome, f.status, f.message) end,
      locked_at = null,
      locked_by = null,
      lease_token = null,
      lease_expires_at = null,
      waiting_since = null,
      updated_at = now()
    from (
      select
        f.place, f.outcome, f.status, f.message, coalesce(f.delay, 0) as delay,
        case f.outcome
          when 'infrastructure' then false
          when 'snooze' then false
          when 'backpressure' then target.created_at < now() - interval '1 day'
          else true
        end as charged,
        case f.outcome
          when 'dead' then true
          when 'infrastructure' then target.infra_failures + 1 >= ${schema}.infra_failures_max()
          when 'missing' then (
            select count(*) >= 5 from jsonb_array_elements(target.errors) as e
            where e ->> 'outcome' = 'missing'
              and (target.replayed_at is null or (e ->> 'at')::timestamptz > target.replayed_at))
          else false
        end as ends
      from fenced f
      join ${schema}.jobs target on target.ctid = f.place
      where f.outcome not in ('complete', 'wait')
    ) as f
    where j.ctid = f.place
    returning j.run_at, j.queue_name
  )
  select
    coalesce((select array_agg(f.element::int) from fenced f), '{}'),
    -- A queue or a place that is free again, or a retry that comes soon, may be news to a worker that sleeps.
    exists (select 1 from completed c where c.queue_name is not null)
      or (exists (select 1 from fenced f where f.outcome <> 'wait') and ${schema}.caps_exist())
      or exists (
        select 1 from failed f where f.queue_name is not null or f.run_at <= now() + interval '1 minute')
  into accepted, may_wake;

  if may_wake then
    perform pg_notify('jobs:insert', '');
  end if;

  -- Asked first, because planning to read the history opens every partition of it.
  if array_remove(finish_jobs.follow_ups, null) <> '{}' then
    for parent in
      select
        h.database_id, h.actor_id, h.entity_id, h.request_id, h.traceparent,
        finish_jobs.follow_ups[a.element]::json as jobs
      from unnest(accepted) as a (element)
      join ${schema}.job_history h
        on h.state = 'succeeded'
        and h.finished_at = now()
        and h.id = finish_jobs.job_ids[a.element]
        and h.lease_token = finish_jobs.lease_tokens[a.element]
      where finish_jobs.follow_ups[a.element] is not null and finish_jobs.outcomes[a.element] = 'complete'
      order by a.element
    loop
      perform ${schema}.add_jobs_in_context(
        parent.database_id, parent.jobs, parent.actor_id, parent.entity_id, parent.request_id, parent.traceparent);
    end loop;
  end if;

  return query
  select
    o.element::int,
    case when o.element = any (accepted) then 'accepted'
      else ${schema}.refused_outcome(o.job_id, o.lease, o.outcome)
    end
  from unnest(finish_jobs.job_ids, finish_jobs.lease_tokens, finish_jobs.outcomes)
    with ordinality as o (job_id, lease, outcome, element);
end;
$$;
