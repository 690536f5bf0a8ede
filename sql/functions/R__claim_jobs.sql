-- Claims up to max_jobs jobs that are due, under a lease that ends after the given interval unless renewed. Each claim
-- charges an attempt and makes a new lease token. Tenants get their shares (due_tenants), and within a tenant it goes by
-- priority (lower first), run_at, id, or by priority classes (lock_ready_jobs). Of a named queue only the first due job
-- is taken, and only while none of it is leased. Fewer than max_jobs means that nothing else may be claimed now.
-- A worker may hold back tasks whose targets need rest: held_tasks give at most held_allowances.
-- A worker in the middle of a long backlog may name the last job of its last claim by the after_... arguments. Where all
-- that may be claimed is of that tenant, task and priority or behind, the claim goes on from there instead of passing by
-- what was claimed before: rows that are gone stay in the index until no transaction can see them and a vacuum was there.
-- What lies before that place is met when the claim is not full, or by the next one without these arguments. A place
-- without after_id is that time with whatever id, and nothing before it is met: for a worker that has just emptied the
-- lane and looks again soon, so that a claim of a few jobs does not pass by all that a busy minute has left in the index.
-- With awake the worker promises to look again within that time whatever happens, and after that ever more rarely, so
-- that a job whose transaction takes long is found not long after its commit; inserts do not notify meanwhile. A worker
-- whose claims come back full, or that has no room to look, notifies others by a statement of its own: a claim would stand
-- in line with all who notify until its promise has ended.
-- With async_commit a claim that is not full and had neither queues, limits nor classes to obey commits without waiting for
-- the disk, a third of its time: a crash of Postgres may take it back, and the job is claimed again with the same attempt.
-- The caller sees to it that a commit that waits follows at once, and comes first where an attempt may not be repeated.
-- Locks: the claimed rows (skip locked: claimers never wait for each other) and, for jobs of named queues, a
-- transaction lock per queue, tried, not waited for. Where a setting limits how many jobs run or start, claims go one
-- after the other under one transaction lock, so that the limits hold exactly. A concurrent claimer sees other rows.
-- Cost: the indexes are entered once for each tenant, task and queue with due jobs; future, leased and dead rows are not
-- met. The planner is kept off sequential scans because a plan made while the table was empty would otherwise be kept
-- for the whole burst that follows, and off compiling, which it would do for milliseconds on its own high estimates. Nor
-- does it plan anew at each call, which it would mostly do and which is a third of a claim of one job (0.70 ms against 0.46).
create or replace function ${schema}.claim_jobs(
  worker_id text,
  task_identifiers text[],
  max_jobs int,
  lease interval,
  held_tasks text[] default null,
  held_allowances int[] default null,
  after_database_id uuid default null,
  after_task text default null,
  after_priority int default null,
  after_run_at timestamptz default null,
  after_id bigint default null,
  awake interval default null,
  async_commit boolean default false
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
  traceparent text,
  priority int,
  run_at timestamptz
)
language plpgsql
set search_path = pg_catalog, pg_temp
set enable_seqscan = off
set enable_bitmapscan = off
set enable_sort = off
set jit = off
set plan_cache_mode = force_generic_plan
as $$
#variable_conflict use_column
declare
  promoted_at_once constant int := 1000;
  promotable boolean;
  queues_ready boolean;
  tasks_limited boolean;
  tenants_limited boolean;
  classed boolean;
  limited_tasks text[];
  allowances int[];
  wanted int := claim_jobs.max_jobs;
  tenants uuid[];
  shares int[];
  others boolean;
  spent uuid[] := '{}';
  -- All that is ready is of one tenant and task, as most claims find it: its jobs behind a place are claimed at once.
  in_lane boolean;
  going_on boolean := false;
  lane_database_id uuid := claim_jobs.after_database_id;
  lane_task text := claim_jobs.after_task;
  place_priority int := claim_jobs.after_priority;
  place_run_at timestamptz := claim_jobs.after_run_at;
  place_id bigint := coalesce(claim_jobs.after_id, 0);
  more boolean;
  locked_ids bigint[];
  locked_tasks text[];
  claimed int;
  all_tasks text[] := '{}';
begin
  if coalesce(length(claim_jobs.worker_id), 0) < 4 then
    raise exception 'INVALID_WORKER_ID' using
      errcode = 'PJ002',
      detail = 'A worker id needs at least 4 characters.';
  end if;
  -- One statement for what most claims find not to be so: each costs as much as its look-up.
  select
    exists (
      select 1 from ${schema}.jobs f
      where not f.due and f.locked_at is null and f.attempts < f.max_attempts and f.run_at <= now()),
    exists (
      select 1 from ${schema}.jobs j
      where j.due and j.queue_name is not null and j.locked_at is null and j.attempts < j.max_attempts),
    exists (select 1 from ${schema}.task_settings),
    exists (select 1 from ${schema}.tenant_settings),
    exists (select 1 from ${schema}.priority_classes)
  into promotable, queues_ready, tasks_limited, tenants_limited, classed;
  if promotable then
    perform ${schema}.promote_due_jobs(promoted_at_once);
    queues_ready := exists (
      select 1 from ${schema}.jobs j
      where j.due and j.queue_name is not null and j.locked_at is null and j.attempts < j.max_attempts);
  end if;
  if tasks_limited or tenants_limited then
    perform pg_advisory_xact_lock(hashtextextended('${schema}.limits', 0));
  end if;
  if tasks_limited or claim_jobs.held_tasks is not null then
    select array_agg(a.task_identifier), array_agg(a.allowance) into limited_tasks, allowances
    from ${schema}.task_allowances(claim_jobs.held_tasks, claim_jobs.held_allowances) a;
  end if;

  in_lane := not (tasks_limited or tenants_limited or classed or queues_ready) and limited_tasks is null;
  -- Asked before, not in one expression: made ready in vain, these look-ups were a tenth of a claim of one job.
  if in_lane and claim_jobs.after_run_at is not null then
    going_on := (claim_jobs.task_identifiers is null or claim_jobs.after_task = any (claim_jobs.task_identifiers))
      and not exists (
        select 1 from ${schema}.jobs j
        where j.database_id < claim_jobs.after_database_id
          and j.due and j.queue_name is null and j.locked_at is null and j.attempts < j.max_attempts)
      and not exists (
        select 1 from ${schema}.jobs j
        where j.database_id > claim_jobs.after_database_id
          and j.due and j.queue_name is null and j.locked_at is null and j.attempts < j.max_attempts)
      and not exists (
        select 1 from ${schema}.jobs j
        where j.database_id = claim_jobs.after_database_id and j.task_identifier < claim_jobs.after_task
          and j.due and j.queue_name is null and j.locked_at is null and j.attempts < j.max_attempts)
      and not exists (
        select 1 from ${schema}.jobs j
        where j.database_id = claim_jobs.after_database_id and j.task_identifier > claim_jobs.after_task
          and j.due and j.queue_name is null and j.locked_at is null and j.attempts < j.max_attempts)
      and not exists (
        select 1 from ${schema}.jobs j
        where j.database_id = claim_jobs.after_database_id and j.task_identifier = claim_jobs.after_task
          and j.priority < claim_jobs.after_priority
          and j.due and j.queue_name is null and j.locked_at is null and j.attempts < j.max_attempts);
  end if;
  if in_lane and not going_on then
    -- From the first one on, so that what is gone is passed by once and not again by the claim.
    select first.database_id, first.task_identifier, first.priority, first.run_at, first.id - 1
    into lane_database_id, lane_task, place_priority, place_run_at, place_id
    from (
      select j.database_id, j.task_identifier, j.priority, j.run_at, j.id from ${schema}.jobs j
      where j.due and j.queue_name is null and j.locked_at is null and j.attempts < j.max_attempts
      order by j.database_id, j.task_identifier, j.priority, j.run_at, j.id limit 1
    ) as first
    join (
      select j.database_id, j.task_identifier from ${schema}.jobs j
      where j.due and j.queue_name is null and j.locked_at is null and j.attempts < j.max_attempts
      order by j.database_id desc, j.task_identifier desc limit 1
    ) as last on last.database_id = first.database_id and last.task_identifier = first.task_identifier
    where claim_jobs.task_identifiers is null or first.task_identifier = any (claim_jobs.task_identifiers);
    in_lane := found;
  end if;

  loop
    if in_lane then
      tenants := array[lane_database_id];
    else
      select array_agg(t.database_id), array_agg(t.share), bool_or(t.others) into tenants, shares, others
      from ${schema}.due_tenants(wanted, spent) t;
    end if;
    more := false;
    for i in 1 .. coalesce(cardinality(tenants), 0) loop
      if in_lane then
        -- What lies before the place is still to be met, unless that is for another claim or there is nothing before it.
        more := going_on and claim_jobs.after_id is not null;
      else
        select array_agg(l.job_id), array_agg(l.task_identifier) into locked_ids, locked_tasks
        from ${schema}.lock_ready_jobs(
          tenants[i], shares[i], claim_jobs.task_identifiers, limited_tasks, allowances) l;
        if shares[i] > coalesce(cardinality(locked_ids), 0) then
          spent := spent || tenants[i];
          more := more or others;
        else
          more := true;
        end if;
        continue when locked_ids is null;
      end if;
      return query
      with leased as (
        update ${schema}.jobs j
        set attempts = j.attempts + 1,
          locked_by = claim_jobs.worker_id,
          locked_at = now(),
          lease_token = gen_random_uuid(),
          lease_expires_at = clock_timestamp() + claim_jobs.lease,
          waiting_since = null,
          progress = null,
          updated_at = now()
        where j.id = any (
          case
            when in_lane then array(
              select r.id
              from ${schema}.jobs r
              where r.database_id = lane_database_id
                and r.task_identifier = lane_task
                and (r.priority, r.run_at, r.id) > (place_priority, place_run_at, place_id)
                and r.due and r.queue_name is null and r.locked_at is null and r.attempts < r.max_attempts
              order by r.priority, r.run_at, r.id
              limit wanted
              for update skip locked)
            else locked_ids
          end)
        returning
          j.id, j.database_id, j.queue_name, j.task_identifier, j.payload, j.attempts, j.max_attempts, j.lease_token,
          j.actor_id, j.entity_id, j.request_id, j.traceparent, j.priority, j.run_at
      )
      select
        c.id, c.database_id, c.queue_name, c.task_identifier, c.payload::text, c.attempts, c.max_attempts,
        c.lease_token, c.actor_id, c.entity_id, c.request_id, c.traceparent, c.priority, c.run_at
      from leased c
      order by c.priority, c.run_at, c.id;
      get diagnostics claimed = row_count;
      wanted := wanted - claimed;
      if tenants_limited then
        perform ${schema}.charge_tenant(tenants[i], claimed);
      end if;
      if limited_tasks is not null then
        all_tasks := all_tasks || locked_tasks;
        select array_agg(l.task), array_agg(l.most - cardinality(array_positions(locked_tasks, l.task)))
        into limited_tasks, allowances
        from unnest(limited_tasks, allowances) as l (task, most);
      end if;
    end loop;
    exit when not more or wanted <= 0;
    in_lane := false;
  end loop;
  if tasks_limited and cardinality(all_tasks) > 0 then
    perform ${schema}.charge_tasks(all_tasks);
  end if;
  if claim_jobs.async_commit and in_lane and wanted > 0 then
    perform set_config('synchronous_commit', 'off', true);
  end if;
  if claim_jobs.awake is not null then
    perform setval('${schema}.awake_until',
      (extract(epoch from clock_timestamp() + claim_jobs.awake) * 1000000)::bigint);
  end if;
end;
$$;
