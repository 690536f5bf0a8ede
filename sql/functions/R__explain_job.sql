-- Why a job is not running, for people: a row for each reason, the most telling first, with the moment at which it ends
-- where one is known. A job that has ended, runs, waits or could start at once has one row that says so; no row means
-- that nobody remembers it, or that it is another tenant's. Locks: none; reads settings and a few rows beside the job.
create or replace function ${schema}.explain_job(job_id bigint)
returns table (state text, reason text, detail text, until timestamptz)
language plpgsql stable security definer
set search_path = pg_catalog, pg_temp
set enable_seqscan = off
set jit = off
as $$
#variable_conflict use_column
declare
  -- Workers report every ten seconds.
  silence constant interval := '30 seconds';
  nobody constant uuid := '00000000-0000-0000-0000-000000000000';
  bound constant uuid := ${schema}.caller_tenant();
  job ${schema}.jobs;
  ended record;
  task record;
  tenant record;
  other record;
  amount bigint;
  tokens double precision;
  now_state text;
  reasons int := 0;
begin
  select j.* into job
  from ${schema}.jobs j
  where j.id = explain_job.job_id and (bound is null or j.database_id = bound);
  if not found then
    select h.state, h.finished_at, h.last_error into ended
    from ${schema}.job_history h
    where h.id = explain_job.job_id and (bound is null or h.database_id = bound)
    order by h.finished_at desc
    limit 1;
    if found then
      return query select ended.state, ended.state, format('ended at %s', ended.finished_at), null::timestamptz;
    end if;
    return;
  end if;

  now_state := ${schema}.job_state(job);
  if now_state = 'running' then
    return query select now_state, 'running', format(
      'worker %s holds it since %s, attempt %s', job.locked_by, job.locked_at, job.attempts), job.lease_expires_at;
    return;
  elsif now_state = 'waiting' then
    return query select now_state, 'waiting', format(
      'its function answered 202 at %s and owes a callback, attempt %s', job.waiting_since, job.attempts),
      job.lease_expires_at;
    return;
  elsif now_state = 'dead' then
    return query select now_state, 'dead', format(
      '%s of %s attempts are used up; last error: %s', job.attempts, job.max_attempts,
      coalesce(job.last_error, 'none')), null::timestamptz;
    return;
  elsif now_state = 'retrying' then
    return query select now_state, 'retrying', format(
      'attempt %s failed: %s', greatest(job.attempts, 1), coalesce(job.last_error, 'no message')), job.run_at;
    reasons := 1;
  elsif now_state = 'scheduled' then
    return query select now_state, 'scheduled', case
      when job.last_error is not null then format('sent back: %s', job.last_error)
      else 'it is due later'
    end, job.run_at;
    reasons := 1;
  end if;

  select s.* into task from ${schema}.task_settings s where s.task_identifier = job.task_identifier;
  if found then
    if task.paused_at is not null then
      return query select now_state, 'task paused', format(
        'task %s is paused by %s since %s', job.task_identifier, task.paused_by, task.paused_at), null::timestamptz;
      reasons := reasons + 1;
    end if;
    if task.max_running is not null then
      select count(*) into amount
      from ${schema}.jobs j
      where j.locked_at is not null and j.task_identifier = job.task_identifier;
      if amount >= task.max_running then
        return query select now_state, 'task at its cap', format(
          '%s of at most %s jobs of task %s run', amount, task.max_running, job.task_identifier), null::timestamptz;
        reasons := reasons + 1;
      end if;
    end if;
    if task.rate_per_second is not null then
      tokens := ${schema}.bucket_tokens(task.rate_per_second, task.rate_burst, task.tokens, task.tokens_at);
      if tokens < 1 then
        return query select now_state, 'task rate limited', format(
          'task %s may start %s jobs a second', job.task_identifier, task.rate_per_second),
          clock_timestamp() + make_interval(secs => (1 - tokens) / task.rate_per_second);
        reasons := reasons + 1;
      end if;
    end if;
  end if;

  select
    own.paused_at, own.paused_by, own.tokens, own.tokens_at,
    coalesce(own.max_running, everybody.max_running) as max_running,
    coalesce(own.rate_per_second, everybody.rate_per_second) as rate,
    coalesce(own.rate_burst, everybody.rate_burst) as burst
  into tenant
  from (select 1) as one
  left join ${schema}.tenant_settings own on own.database_id = job.database_id
  left join ${schema}.tenant_settings everybody on everybody.database_id = nobody;
  if tenant.paused_at is not null then
    return query select now_state, 'tenant paused', format(
      'tenant %s is paused by %s since %s', job.database_id, tenant.paused_by, tenant.paused_at), null::timestamptz;
    reasons := reasons + 1;
  end if;
  if tenant.max_running is not null then
    select count(*) into amount
    from ${schema}.jobs j
    where j.locked_at is not null and j.database_id = job.database_id;
    if amount >= tenant.max_running then
      return query select now_state, 'tenant at its cap', format(
        '%s of at most %s jobs of tenant %s run', amount, tenant.max_running, job.database_id), null::timestamptz;
      reasons := reasons + 1;
    end if;
  end if;
  if tenant.rate is not null then
    tokens := ${schema}.bucket_tokens(tenant.rate, tenant.burst, tenant.tokens, tenant.tokens_at);
    if tokens < 1 then
      return query select now_state, 'tenant rate limited', format(
        'tenant %s may start %s jobs a second', job.database_id, tenant.rate),
        clock_timestamp() + make_interval(secs => (1 - tokens) / tenant.rate);
      reasons := reasons + 1;
    end if;
  end if;

  if job.queue_name is not null then
    select p.paused_at, p.paused_by into other
    from ${schema}.paused_queues p
    where p.database_id = job.database_id and p.queue_name = job.queue_name;
    if found then
      return query select now_state, 'queue paused', format(
        'queue %s is paused by %s since %s', job.queue_name, other.paused_by, other.paused_at), null::timestamptz;
      reasons := reasons + 1;
    end if;
    select j.id, j.locked_by, j.lease_expires_at into other
    from ${schema}.jobs j
    where j.database_id = job.database_id and j.queue_name = job.queue_name and j.locked_at is not null;
    if found then
      return query select now_state, 'queue busy', format(
        'job %s of queue %s runs on worker %s', other.id, job.queue_name, other.locked_by), null::timestamptz;
      reasons := reasons + 1;
    end if;
    select count(*) into amount
    from (
      select j.id
      from ${schema}.jobs j
      where j.database_id = job.database_id
        and hashtextextended(j.queue_name, 0) = hashtextextended(job.queue_name, 0)
        and j.due and j.queue_name is not null and j.locked_at is null and j.attempts < j.max_attempts
        and (j.priority, j.run_at, j.id) < (job.priority, job.run_at, job.id)
      limit 1000
    ) as j;
    if amount > 0 and now_state = 'ready' then
      return query select now_state, 'queue order', format(
        '%s jobs of queue %s come before it', case when amount = 1000 then '1000 or more' else amount::text end,
        job.queue_name), null::timestamptz;
      reasons := reasons + 1;
    end if;
  end if;

  if now_state = 'ready' then
    select
      count(*) as workers,
      count(*) filter (where w.running < w.slots) as free
    into other
    from ${schema}.workers w
    where w.seen_at > now() - silence
      and (w.tasks is null or job.task_identifier = any (w.tasks));
    if other.workers = 0 then
      return query select now_state, 'no worker', format(
        'no worker that takes task %s has reported in the last %s seconds', job.task_identifier,
        extract(epoch from silence)::int), null::timestamptz;
      reasons := reasons + 1;
    elsif other.free = 0 then
      return query select now_state, 'workers busy', format(
        'all slots of the %s workers that take it are in use', other.workers), null::timestamptz;
      reasons := reasons + 1;
    end if;
    for other in
      select
        w.worker_id,
        t.target ->> 'breaker' as breaker,
        w.seen_at + make_interval(secs => (t.target ->> 'openMs')::double precision / 1000) as open_until,
        w.seen_at + make_interval(secs => (t.target ->> 'pausedMs')::double precision / 1000) as paused_until,
        (t.target ->> 'limit')::int as most,
        (t.target ->> 'inFlight')::int as in_flight,
        w.slots,
        -- How a call failed is told to operators only: it may have been another tenant's.
        case when bound is null then format(
          ' (%s of %s calls failed: %s)', t.target ->> 'failures', t.target ->> 'calls', t.target ->> 'why')
        end as why
      from ${schema}.workers w
      cross join lateral jsonb_array_elements(w.targets) as t (target)
      where w.seen_at > now() - silence
        and (w.tasks is null or job.task_identifier = any (w.tasks))
        and t.target -> 'tasks' ? job.task_identifier
      order by w.worker_id
    loop
      if other.breaker <> 'closed' then
        return query select now_state, 'breaker open', format(
          'worker %s does not call the function of task %s for now%s', other.worker_id, job.task_identifier, other.why),
          other.open_until;
        reasons := reasons + 1;
      elsif other.paused_until > clock_timestamp() then
        return query select now_state, 'target paused', format(
          'the function of task %s asked worker %s for a pause', job.task_identifier, other.worker_id),
          other.paused_until;
        reasons := reasons + 1;
      elsif other.most < other.slots and other.in_flight >= other.most then
        return query select now_state, 'target at its limit', format(
          'worker %s calls the function of task %s at most %s times at once for now', other.worker_id,
          job.task_identifier, other.most), null::timestamptz;
        reasons := reasons + 1;
      end if;
    end loop;
  end if;

  if reasons = 0 then
    select count(*) into amount
    from (
      select 1
      from ${schema}.jobs j
      where j.database_id = job.database_id
        and j.task_identifier = job.task_identifier
        and j.due and j.queue_name is null and j.locked_at is null and j.attempts < j.max_attempts
        and (j.priority, j.run_at, j.id) < (job.priority, job.run_at, job.id)
      limit 1000
    ) as before;
    return query select now_state, 'its turn', case
      when amount = 0 then 'the next claim of a worker with a free slot takes it'
      else format('%s jobs of its tenant and task come before it',
        case when amount = 1000 then '1000 or more' else amount::text end)
    end, null::timestamptz;
  end if;
end;
$$;
