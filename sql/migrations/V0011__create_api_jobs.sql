-- What the HTTP API reads: indexes in the order of its lists, and jobs, alive and ended, under the names of the C4 jobs
-- pattern. Old workers can live with it. Locks: share on jobs and job_history while the indexes are built; stop adding
-- jobs meanwhile where those tables are big.

-- A list goes from the newest job to the oldest, of a tenant or of one of its users. Jobs that no user added are not in
-- the second one and do not pay for it.
create index jobs_tenant_idx on ${schema}.jobs (database_id, id desc);
create index jobs_actor_idx on ${schema}.jobs (database_id, actor_id, id desc)
  where actor_id is not null;
-- Few, and what people look for first.
create index jobs_dead_tenant_idx on ${schema}.jobs (database_id, id desc)
  where died_at is not null;
create index job_history_tenant_idx on ${schema}.job_history (database_id, id desc);
create index job_history_actor_idx on ${schema}.job_history (database_id, actor_id, id desc)
  where actor_id is not null;

-- They read as their caller, so row-level security binds a tenant here as on the tables below. No function is called for
-- a row, because lists look at thousands; and two views, because only a single one keeps its index's order under a limit.
create view ${schema}.api_live_jobs with (security_invoker = true) as
select
  j.id,
  j.database_id as organization_id,
  j.actor_id as user_id,
  j.task_identifier as job_type,
  state.status,
  j.priority,
  tried.retry_count,
  j.max_attempts - 1 as max_retries,
  j.payload,
  null::json as result,
  j.last_error as error_message,
  done.progress,
  (j.progress ->> 'steps')::int as total_steps,
  coalesce((j.progress ->> 'step')::int, 0) as current_step,
  j.locked_at as started_at,
  j.died_at as completed_at,
  nullif(j.run_at, j.created_at) as scheduled_at,
  j.created_at,
  j.updated_at,
  j.queue_name,
  j.key,
  j.entity_id,
  j.request_id,
  j.traceparent,
  state.status in ('queued', 'running', 'retrying') as can_cancel,
  state.status = 'failed' and tried.retry_count < j.max_attempts - 1 as can_retry,
  format('%s.%s-%s-%s-%s', former.tries + j.attempts, j.infra_failures, state.status, done.progress,
    coalesce(j.progress ->> 'step', '0')) as version
from ${schema}.jobs j
cross join lateral (
  select case
    when j.locked_at is not null then 'running'
    when j.attempts >= j.max_attempts then 'failed'
    when j.run_at > now() and (j.attempts > 0 or j.infra_failures > 0) then 'retrying'
    else 'queued'
  end as status
) as state
-- Attempts before the last replay, as far as the errors that are kept tell of them.
cross join lateral (
  select case when j.replayed_at is null then 0 else (
    select count(*)::int
    from jsonb_array_elements(j.errors) as e
    where e ->> 'outcome' in ('retry', 'missing', 'dead', 'expired') and (e ->> 'at')::timestamptz <= j.replayed_at
  ) end as tries
) as former
cross join lateral (
  select case
    -- The next attempt is the retry that is counted.
    when state.status = 'retrying' or (state.status = 'queued' and former.tries + j.attempts > 0)
      then former.tries + j.attempts
    -- Refused for good: its attempts were set to the most there may be.
    when state.status = 'failed'
      then greatest(former.tries + coalesce((j.errors -> -1 ->> 'attempt')::int, j.attempts) - 1, 0)
    else greatest(former.tries + j.attempts - 1, 0)
  end as retry_count
) as tried
cross join lateral (
  select least(100, floor(coalesce(
    (j.progress ->> 'percent')::numeric,
    100 * (j.progress ->> 'step')::numeric / (j.progress ->> 'steps')::numeric,
    0)))::int as progress
) as done;

create view ${schema}.api_ended_jobs with (security_invoker = true) as
select
  h.id,
  h.database_id as organization_id,
  h.actor_id as user_id,
  h.task_identifier as job_type,
  h.state as status,
  h.priority,
  greatest(former.tries + h.attempts - 1, 0) as retry_count,
  h.max_attempts - 1 as max_retries,
  h.payload,
  h.result,
  case when h.state = 'cancelled' then coalesce(h.cancel_reason, h.last_error) end as error_message,
  done.progress,
  (h.progress ->> 'steps')::int as total_steps,
  case when h.state = 'succeeded' then coalesce((h.progress ->> 'steps')::int, (h.progress ->> 'step')::int, 0)
    else coalesce((h.progress ->> 'step')::int, 0) end as current_step,
  h.started_at,
  h.finished_at as completed_at,
  nullif(h.run_at, h.created_at) as scheduled_at,
  h.created_at,
  h.finished_at as updated_at,
  h.queue_name,
  h.key,
  h.entity_id,
  h.request_id,
  h.traceparent,
  false as can_cancel,
  false as can_retry,
  format('%s.%s-%s', former.tries + h.attempts, h.infra_failures, h.state) as version
from ${schema}.job_history h
cross join lateral (
  select case when h.replayed_at is null then 0 else (
    select count(*)::int
    from jsonb_array_elements(h.errors) as e
    where e ->> 'outcome' in ('retry', 'missing', 'dead', 'expired') and (e ->> 'at')::timestamptz <= h.replayed_at
  ) end as tries
) as former
cross join lateral (
  select case when h.state = 'succeeded' then 100 else least(100, floor(coalesce(
    (h.progress ->> 'percent')::numeric,
    100 * (h.progress ->> 'step')::numeric / (h.progress ->> 'steps')::numeric,
    0)))::int end as progress
) as done;

create view ${schema}.api_jobs with (security_invoker = true) as
select
  id, organization_id, user_id, job_type, status, priority, retry_count, max_retries, payload, result, error_message,
  progress, total_steps, current_step, started_at, completed_at, scheduled_at, created_at, updated_at, queue_name, key,
  entity_id, request_id, traceparent, can_cancel, can_retry, version
from ${schema}.api_live_jobs
union all
select
  id, organization_id, user_id, job_type, status, priority, retry_count, max_retries, payload, result, error_message,
  progress, total_steps, current_step, started_at, completed_at, scheduled_at, created_at, updated_at, queue_name, key,
  entity_id, request_id, traceparent, can_cancel, can_retry, version
from ${schema}.api_ended_jobs;

comment on view ${schema}.api_live_jobs is 'What api_jobs shows of the table jobs.';
comment on view ${schema}.api_ended_jobs is 'What api_jobs shows of the table job_history.';
comment on view ${schema}.api_jobs is
  'Jobs, alive and ended, as the HTTP API shows them: names and states of the C4 jobs pattern.';
comment on column ${schema}.api_jobs.status is 'queued, running, succeeded, failed, cancelled or retrying.';
comment on column ${schema}.api_jobs.retry_count is
  'Attempts beyond the first, over the job''s life, a replay included; of one that will be tried again, the next one too.';
comment on column ${schema}.api_jobs.version is 'Changes with status, attempt and progress; what live clients compare.';

do $$
begin
  if exists (select 1 from pg_catalog.pg_roles r where r.rolname = 'administrator') then
    grant select on ${schema}.api_live_jobs, ${schema}.api_ended_jobs, ${schema}.api_jobs to administrator;
  end if;
end;
$$;
