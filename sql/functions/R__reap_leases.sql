-- Takes back jobs whose lease has expired. The attempt stays charged: nobody knows how far it went.
--   held by a worker     the worker was lost: an infrastructure failure more, ready again at once; dead at the cap
--   held by a function   (202) the callback never came: back after retry_delay
-- Both are dead letters when their attempts are used up.
-- Locks: the expired rows, skip locked, so that reapers and late outcomes do not wait for each other.
create or replace function ${schema}.reap_leases(max_jobs int default 100)
returns table (job_id bigint, task_identifier text, attempt int, worker_id text, waited boolean, dead boolean)
language plpgsql
set search_path = pg_catalog, pg_temp
set enable_seqscan = off
set jit = off
as $$
#variable_conflict use_column
begin
  return query
  with expired as (
    select j.id, j.locked_by, j.attempts, j.infra_failures, j.waiting_since is not null as waited
    from ${schema}.jobs j
    where j.locked_at is not null
      and coalesce(j.lease_expires_at, j.locked_at + interval '4 hours') <= clock_timestamp()
    limit reap_leases.max_jobs
    for update skip locked
  )
  update ${schema}.jobs j
  set attempts = case
      when not e.waited and j.infra_failures + 1 >= ${schema}.infra_failures_max() then j.max_attempts
      else ${schema}.attempts_after(j, true)
    end,
    infra_failures = j.infra_failures + case when e.waited then 0 else 1 end,
    run_at = case when e.waited then now() + ${schema}.retry_delay(j.task_identifier, j.attempts) else j.run_at end,
    last_error = reason.message,
    errors = ${schema}.attempt_error(j, 'expired', null, reason.message),
    locked_at = null,
    locked_by = null,
    lease_token = null,
    lease_expires_at = null,
    waiting_since = null,
    updated_at = now()
  from expired e
  cross join lateral (
    select case
      when e.waited then 'no callback came before the lease expired'
      when e.infra_failures + 1 >= ${schema}.infra_failures_max() then format(
        'lease expired: worker %s did not renew it; given up after %s failures of the infrastructure (lost workers, no'
        ' connection to the function): does this job kill its workers?',
        e.locked_by, e.infra_failures + 1)
      else format('lease expired: worker %s did not renew it', e.locked_by)
    end as message
  ) as reason
  where j.id = e.id
  returning j.id, j.task_identifier, e.attempts, e.locked_by, e.waited, j.attempts >= j.max_attempts;
  if found then
    perform pg_notify('jobs:insert', '');
  end if;
end;
$$;
