-- Revives the dead letters that a filter names (choose_dead_letters says how it reads), those that died first first, as
-- replay_jobs does; a dry run revives none. Returns what they were. For more than max_jobs call it again until it
-- returns fewer, with the same died_before, or what dies again meanwhile is revived again. A superseded job is revived
-- only when job_ids names it.
-- Locks: the dead letters, skip locked: those that somebody else is busy with are left to him.
create or replace function ${schema}.replay_dead_letters(
  db_id uuid default null,
  task text default null,
  error_like text default null,
  died_after timestamptz default null,
  died_before timestamptz default null,
  max_jobs int default 1000,
  replayed_by text default null,
  dry_run boolean default false,
  job_ids bigint[] default null
) returns table (job_id bigint, task_identifier text, died_at timestamptz)
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  chosen bigint[] := '{}';
begin
  for job_id, task_identifier, died_at in
    select c.job_id, c.task_identifier, c.died_at
    from ${schema}.choose_dead_letters(
      replay_dead_letters.db_id, replay_dead_letters.task, replay_dead_letters.error_like,
      replay_dead_letters.died_after, replay_dead_letters.died_before, replay_dead_letters.job_ids,
      replay_dead_letters.job_ids is not null, replay_dead_letters.max_jobs, not replay_dead_letters.dry_run) c
  loop
    chosen := chosen || replay_dead_letters.job_id;
    return next;
  end loop;
  if not replay_dead_letters.dry_run then
    perform ${schema}.replay_jobs(chosen, replay_dead_letters.replayed_by);
  end if;
end;
$$;
