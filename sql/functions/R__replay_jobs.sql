-- Revives dead letters: attempts and infrastructure failures start over, a superseded one is no longer so, the errors
-- stay and get an entry that names who did it. Returns the ids of those revived; jobs that are no dead letters, or another
-- tenant's, are left as they are. Workers hear of it unless the jobs are due later than in a minute.
-- Locks: the dead letters in the order of their ids. Of two callers the later one waits and finds nothing to revive; so
-- does one that meets cancel_job, purge_dead_letters or add_job with the job's key.
create or replace function ${schema}.replay_jobs(
  job_ids bigint[],
  replayed_by text,
  run_at timestamptz default now()
) returns setof bigint
language plpgsql security definer
set search_path = pg_catalog, pg_temp
set enable_seqscan = off
set jit = off
as $$
#variable_conflict use_column
declare
  bound constant uuid := ${schema}.caller_tenant();
begin
  if coalesce(btrim(replay_jobs.replayed_by), '') = '' then
    raise exception 'INVALID_ARGUMENT' using
      errcode = 'PJ003',
      detail = 'replayed_by is null or empty.',
      hint = 'Say who replays: a person or a program, such as replayed_by => ''ada''.';
  end if;
  perform 1 from ${schema}.jobs j
  where j.id = any (replay_jobs.job_ids) and j.died_at is not null and (bound is null or j.database_id = bound)
  order by j.id
  for update;
  return query
  update ${schema}.jobs j
  set attempts = 0,
    infra_failures = 0,
    superseded_at = null,
    run_at = coalesce(replay_jobs.run_at, now()),
    errors = ${schema}.attempt_error(j, 'replayed', null, 'replayed by ' || replay_jobs.replayed_by),
    replayed_at = now(),
    replayed_by = replay_jobs.replayed_by,
    updated_at = now()
  where j.id = any (replay_jobs.job_ids) and j.died_at is not null and (bound is null or j.database_id = bound)
  returning j.id;
  if found and coalesce(replay_jobs.run_at, now()) <= now() + interval '1 minute' then
    perform pg_notify('jobs:insert', '');
  end if;
end;
$$;
