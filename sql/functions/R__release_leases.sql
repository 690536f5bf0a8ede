-- Gives claimed jobs back at once, uncharged, as a worker does with what it could not finish while draining. The answer
-- has the ids that were released; others had ended or been claimed again.
-- Locks: the jobs in the order of their ids.
create or replace function ${schema}.release_leases(
  job_ids bigint[],
  attempts int[],
  lease_tokens uuid[]
) returns setof bigint
language plpgsql
set search_path = pg_catalog, pg_temp
set enable_seqscan = off
set jit = off
as $$
#variable_conflict use_column
begin
  perform 1 from ${schema}.jobs j where j.id = any (release_leases.job_ids) order by j.id for update;
  return query
  update ${schema}.jobs j
  set attempts = ${schema}.attempts_after(j, false),
    locked_at = null,
    locked_by = null,
    lease_token = null,
    lease_expires_at = null,
    waiting_since = null,
    updated_at = now()
  from unnest(release_leases.job_ids, release_leases.attempts, release_leases.lease_tokens)
    as held (id, attempt, lease)
  where j.id = held.id and j.attempts = held.attempt and j.lease_token = held.lease
  returning j.id;
  if found then
    perform pg_notify('jobs:insert', '');
  end if;
end;
$$;
