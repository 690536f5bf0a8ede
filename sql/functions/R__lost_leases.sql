-- Tells a worker which of its attempts are no longer its own, and why as refused_outcome does: cancelled, stale, unknown;
-- replay or conflict when the attempt has ended without the worker. An attempt that is missing in the answer is still
-- the worker's, even if its lease has expired.
-- Locks: none; writes nothing. What is not committed yet is not seen: ask again, or be told on jobs:cancel.
create or replace function ${schema}.lost_leases(
  job_ids bigint[],
  attempts int[],
  lease_tokens uuid[]
) returns table (job_id bigint, verdict text)
language plpgsql
set search_path = pg_catalog, pg_temp
set enable_seqscan = off
set jit = off
as $$
begin
  return query
  select held.id, ${schema}.refused_outcome(held.id, held.lease, 'complete')
  from unnest(lost_leases.job_ids, lost_leases.attempts, lost_leases.lease_tokens) as held (id, attempt, lease)
  where not exists (
    select 1 from ${schema}.jobs j
    where j.id = held.id and j.attempts = held.attempt and j.lease_token = held.lease);
end;
$$;
