-- A function's sign of life: extends the lease and, when progress is given, stores it. The verdict is accepted, or says
-- why not as refused_outcome does. A lease never gets shorter this way. Locks: the job's row.
create or replace function ${schema}.report_progress(
  job_id bigint,
  attempt int,
  lease_token uuid,
  lease interval,
  progress jsonb default null
) returns table (verdict text, lease_expires_at timestamptz, cancel_requested boolean)
language plpgsql
set search_path = pg_catalog, pg_temp
set enable_seqscan = off
as $$
begin
  return query
  update ${schema}.jobs j
  set lease_expires_at = greatest(j.lease_expires_at, clock_timestamp() + report_progress.lease),
    progress = coalesce(report_progress.progress, j.progress),
    updated_at = now()
  where j.id = report_progress.job_id
    and j.attempts = report_progress.attempt
    and j.lease_token = report_progress.lease_token
    and j.lease_expires_at > clock_timestamp()
  returning 'accepted', j.lease_expires_at, j.cancel_requested_at is not null;
  if not found then
    return query
    select
      case when answer.verdict in ('replay', 'conflict') then 'conflict' else answer.verdict end,
      null::timestamptz,
      answer.verdict = 'cancelled'
    from (
      select ${schema}.refused_outcome(report_progress.job_id, report_progress.lease_token, 'complete') as verdict
    ) as answer;
  end if;
end;
$$;
