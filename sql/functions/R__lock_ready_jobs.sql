-- The part of a claim that is about one tenant: locks up to max_jobs of its due jobs and returns them; its caller leases
-- them in the same transaction. Order: priority, run_at, id over all tasks and heads of queues; with priority classes,
-- by the classes' weights first. Tasks in limited_tasks give at most their allowance; 0 is none. Of a named queue the
-- first due job is looked at, where nothing of the queue is leased and nobody paused it.
-- Two steps, so that no job is locked in vain: one ranks what every lane could give, without locks, and says how many to
-- take from which; the other locks so many there, skip locked. A concurrent claimer is passed by, not waited for.
-- Where all due jobs of the tenant are of one task and need no ranking, the second step is all there is. (Where that holds
-- for all due jobs together, claim_jobs does not come here.)
-- Cost: an index look-up for each task, class and queue with due jobs, and the jobs themselves. Queues are entered at a
-- random place and no more of them than twice max_jobs are free ones, so none is starved when there are thousands.
create or replace function ${schema}.lock_ready_jobs(
  db_id uuid,
  max_jobs int,
  task_identifiers text[],
  limited_tasks text[],
  allowances int[]
) returns table (job_id bigint, task_identifier text)
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
  -- Anywhere in the range of the hash.
  entry bigint := ((random() - 0.5) * 1.8e19)::bigint;
  lane_tasks text[];
  lane_lows int[];
  lane_highs int[];
  lane_jobs int[];
  heads bigint[];
  first_task text;
  last_task text;
begin
  select
    (select j.task_identifier from ${schema}.jobs j
     where j.database_id = lock_ready_jobs.db_id
       and j.due and j.queue_name is null and j.locked_at is null and j.attempts < j.max_attempts
     order by j.task_identifier limit 1),
    (select j.task_identifier from ${schema}.jobs j
     where j.database_id = lock_ready_jobs.db_id
       and j.due and j.queue_name is null and j.locked_at is null and j.attempts < j.max_attempts
     order by j.task_identifier desc limit 1)
  into first_task, last_task;
  if first_task = last_task
    and not exists (
      select 1 from ${schema}.jobs j
      where j.database_id = lock_ready_jobs.db_id
        and j.due and j.queue_name is not null and j.locked_at is null and j.attempts < j.max_attempts)
    and not exists (select 1 from ${schema}.priority_classes)
  then
    if lock_ready_jobs.task_identifiers is null or first_task = any (lock_ready_jobs.task_identifiers) then
      return query
      select j.id, first_task
      from ${schema}.jobs j
      where j.database_id = lock_ready_jobs.db_id
        and j.task_identifier = first_task
        and j.due and j.queue_name is null and j.locked_at is null and j.attempts < j.max_attempts
      order by j.priority, j.run_at, j.id
      limit greatest(0, least(lock_ready_jobs.max_jobs,
        lock_ready_jobs.allowances[array_position(lock_ready_jobs.limited_tasks, first_task)]))
      for update skip locked;
    end if;
    return;
  end if;

  with recursive tasks (task) as (
    (select j.task_identifier from ${schema}.jobs j
     where j.database_id = lock_ready_jobs.db_id
       and j.due and j.queue_name is null and j.locked_at is null and j.attempts < j.max_attempts
     order by j.task_identifier limit 1)
    union all
    select (
      select j.task_identifier from ${schema}.jobs j
      where j.database_id = lock_ready_jobs.db_id and j.task_identifier > tasks.task
        and j.due and j.queue_name is null and j.locked_at is null and j.attempts < j.max_attempts
      order by j.task_identifier limit 1)
    from tasks
    where tasks.task is not null
  ), queues_after (hash) as (
    (select hashtextextended(j.queue_name, 0) from ${schema}.jobs j
     where j.database_id = lock_ready_jobs.db_id and hashtextextended(j.queue_name, 0) >= entry
       and j.due and j.queue_name is not null and j.locked_at is null and j.attempts < j.max_attempts
     order by hashtextextended(j.queue_name, 0) limit 1)
    union all
    select (
      select hashtextextended(j.queue_name, 0) from ${schema}.jobs j
      where j.database_id = lock_ready_jobs.db_id and hashtextextended(j.queue_name, 0) > queues_after.hash
        and j.due and j.queue_name is not null and j.locked_at is null and j.attempts < j.max_attempts
      order by hashtextextended(j.queue_name, 0) limit 1)
    from queues_after
    where queues_after.hash is not null
  ), queues_before (hash) as (
    (select hashtextextended(j.queue_name, 0) from ${schema}.jobs j
     where j.database_id = lock_ready_jobs.db_id and hashtextextended(j.queue_name, 0) < entry
       and j.due and j.queue_name is not null and j.locked_at is null and j.attempts < j.max_attempts
     order by hashtextextended(j.queue_name, 0) limit 1)
    union all
    select (
      select hashtextextended(j.queue_name, 0) from ${schema}.jobs j
      where j.database_id = lock_ready_jobs.db_id
        and hashtextextended(j.queue_name, 0) > queues_before.hash and hashtextextended(j.queue_name, 0) < entry
        and j.due and j.queue_name is not null and j.locked_at is null and j.attempts < j.max_attempts
      order by hashtextextended(j.queue_name, 0) limit 1)
    from queues_before
    where queues_before.hash is not null
  ), heads as (
    select head.id, head.task_identifier, head.priority, head.run_at
    from (
      select a.hash from queues_after a where a.hash is not null
      union all
      select b.hash from queues_before b where b.hash is not null
    ) as q
    cross join lateral (
      select j.id, j.task_identifier, j.queue_name, j.priority, j.run_at
      from ${schema}.jobs j
      where j.database_id = lock_ready_jobs.db_id and hashtextextended(j.queue_name, 0) = q.hash
        and j.due and j.queue_name is not null and j.locked_at is null and j.attempts < j.max_attempts
      order by j.priority, j.run_at, j.id
      limit 1
    ) as head
    where not exists (
        select 1 from ${schema}.jobs busy
        where busy.database_id = lock_ready_jobs.db_id
          and busy.queue_name = head.queue_name
          and busy.locked_at is not null)
      and not exists (
        select 1 from ${schema}.paused_queues p
        where p.database_id = lock_ready_jobs.db_id and p.queue_name = head.queue_name)
      and (lock_ready_jobs.task_identifiers is null
        or head.task_identifier = any (lock_ready_jobs.task_identifiers))
      and not exists (
        select 1 from unnest(lock_ready_jobs.limited_tasks, lock_ready_jobs.allowances) as l (task, most)
        where l.task = head.task_identifier and l.most <= 0)
    limit 2 * lock_ready_jobs.max_jobs
  ), classes as (
    select
      c.name,
      coalesce(lag(c.up_to) over (order by c.up_to) + 1, -2147483648) as low,
      case when lead(c.up_to) over (order by c.up_to) is null then 2147483647 else c.up_to end as high,
      -- The first of a class comes after an exponential time by its weight, the others at even steps: in a claim of one
      -- each class wins by its weight, in a large one it gets its share.
      least(1.5, -ln(1 - random())) as start,
      c.weight
    from ${schema}.priority_classes c
    union all
    select null, -2147483648, 2147483647, 1, null
    where not exists (select 1 from ${schema}.priority_classes)
  ), candidates as (
    select j.id, t.task, true as single, c.low, c.high, c.start, c.weight, j.priority, j.run_at
    from tasks t
    cross join classes c
    left join lateral (
      select min(l.most) as most
      from unnest(lock_ready_jobs.limited_tasks, lock_ready_jobs.allowances) as l (task, most)
      where l.task = t.task
    ) as allowance on true
    cross join lateral (
      select j.id, j.priority, j.run_at
      from ${schema}.jobs j
      where j.database_id = lock_ready_jobs.db_id
        and j.task_identifier = t.task
        and j.priority between c.low and c.high
        and j.due and j.queue_name is null and j.locked_at is null and j.attempts < j.max_attempts
      order by j.priority, j.run_at, j.id
      limit greatest(0, least(lock_ready_jobs.max_jobs, allowance.most))
    ) as j
    where t.task is not null
      and (lock_ready_jobs.task_identifiers is null or t.task = any (lock_ready_jobs.task_identifiers))
    union all
    select h.id, h.task_identifier, false, c.low, c.high, c.start, c.weight, h.priority, h.run_at
    from heads h
    join classes c on h.priority between c.low and c.high
  ), ranked as (
    select
      c.id, c.task, c.single, c.low, c.high, c.start, c.weight, c.priority, c.run_at,
      row_number() over (partition by c.low order by c.priority, c.run_at, c.id) as rank,
      row_number() over (partition by c.task order by c.priority, c.run_at, c.id) as place
    from candidates c
  ), chosen as (
    select r.id, r.task, r.single, r.low, r.high
    from ranked r
    where not exists (
      select 1 from unnest(lock_ready_jobs.limited_tasks, lock_ready_jobs.allowances) as l (task, most)
      where l.task = r.task and r.place > l.most)
    order by
      case when r.weight is null then 0 when r.rank = 1 then r.start / r.weight else (r.rank - 0.5) / r.weight end,
      r.priority, r.run_at, r.id
    limit lock_ready_jobs.max_jobs
  ), lanes as (
    select c.task, c.low, c.high, count(*) as jobs from chosen c where c.single group by c.task, c.low, c.high
  )
  select
    array_agg(l.task), array_agg(l.low), array_agg(l.high), array_agg(l.jobs),
    (select array_agg(c.id) from chosen c where not c.single)
  into lane_tasks, lane_lows, lane_highs, lane_jobs, heads
  from lanes l;

  return query
  select locked.id, lane.task
  from unnest(lane_tasks, lane_lows, lane_highs, lane_jobs) as lane (task, low, high, jobs)
  cross join lateral (
    select j.id
    from ${schema}.jobs j
    where j.database_id = lock_ready_jobs.db_id
      and j.task_identifier = lane.task
      and j.priority between lane.low and lane.high
      and j.due and j.queue_name is null and j.locked_at is null and j.attempts < j.max_attempts
    order by j.priority, j.run_at, j.id
    limit lane.jobs
    for update skip locked
  ) as locked;
  if heads is not null then
    return query select h.job_id, h.task_identifier from ${schema}.claim_queue_heads(heads) h;
  end if;
end;
$$;
