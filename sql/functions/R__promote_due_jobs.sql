-- Makes jobs whose time has come claimable: moves up to max_jobs of them, the longest due first, into the ready indexes.
-- Every claim does it before it looks; there is no other clock. Returns how many.
-- Locks: the promoted rows, skip locked; what another claim is promoting is claimable when that one commits.
create or replace function ${schema}.promote_due_jobs(max_jobs int) returns int
language plpgsql
set search_path = pg_catalog, pg_temp
set enable_seqscan = off
set jit = off
set enable_bitmapscan = off
as $$
declare
  promoted int;
begin
  update ${schema}.jobs j
  set due = true, updated_at = now()
  where j.id = any (array(
    select f.id
    from ${schema}.jobs f
    where not f.due
      and f.locked_at is null
      and f.attempts < f.max_attempts
      and f.run_at <= now()
    order by f.run_at
    limit promote_due_jobs.max_jobs
    for update skip locked));
  get diagnostics promoted = row_count;
  return promoted;
end;
$$;
