-- Renews leases, in one statement for all that a worker holds. A lease that is not in the answer is lost: expired,
-- ended, cancelled or claimed again; lost_leases knows which. An expired lease is not renewed even while nobody has
-- reaped it. A lease never gets shorter this way: a renewal that was on its way while the function took the job over must
-- not cut its time.
-- Locks: the jobs in the order of their ids.
create or replace function ${schema}.renew_leases(
  job_ids bigint[],
  attempts int[],
  lease_tokens uuid[],
  lease interval
) returns table (job_id bigint, lease_expires_at timestamptz)
language plpgsql
set search_path = pg_catalog, pg_temp
set enable_seqscan = off
set jit = off
as $$
#variable_conflict use_column
begin
  perform 1 from ${schema}.jobs j where j.id = any (renew_leases.job_ids) order by j.id for update;
  return query
  update ${schema}.jobs j
  set lease_expires_at = greatest(j.lease_expires_at, clock_timestamp() + renew_leases.lease), updated_at = now()
  from unnest(renew_leases.job_ids, renew_leases.attempts, renew_leases.lease_tokens) as held (id, attempt, lease)
  where j.id = held.id
    and j.attempts = held.attempt
    and j.lease_token = held.lease
    and j.lease_expires_at > clock_timestamp()
  returning j.id, j.lease_expires_at;
end;
$$;
