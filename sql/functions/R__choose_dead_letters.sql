-- The dead letters that a filter names, those that died first first, at most max_jobs (null: all). A null argument
-- filters nothing; error_like is a pattern of LIKE over last_error, died_after is inclusive and died_before is not.
-- Superseded ones, whose payload is out of date, are left out unless asked for.
-- Locks: with hold, the rows, skip locked: callers that work side by side share them out. Without hold, none.
-- Planned anew each time, because the filters decide which index is right.
create or replace function ${schema}.choose_dead_letters(
  db_id uuid,
  task text,
  error_like text,
  died_after timestamptz,
  died_before timestamptz,
  job_ids bigint[],
  superseded boolean,
  max_jobs int,
  hold boolean
) returns table (job_id bigint, task_identifier text, died_at timestamptz)
language plpgsql
set search_path = pg_catalog, pg_temp
set enable_seqscan = off
set jit = off
as $$
begin
  return query execute format(
    $query$
      select d.id, d.task_identifier, d.died_at
      from ${schema}.dead_letters d
      where ($1 is null or d.database_id = $1)
        and ($2 is null or d.task_identifier = $2)
        and ($3 is null or d.last_error like $3)
        and ($4 is null or d.died_at >= $4)
        and ($5 is null or d.died_at < $5)
        and ($6 is null or d.id = any ($6))
        and ($7 or d.superseded_at is null)
      order by d.died_at, d.id
      limit $8
      %s
    $query$,
    case when choose_dead_letters.hold then 'for update skip locked' end)
  using
    choose_dead_letters.db_id, choose_dead_letters.task, choose_dead_letters.error_like,
    choose_dead_letters.died_after, choose_dead_letters.died_before, choose_dead_letters.job_ids,
    choose_dead_letters.superseded, choose_dead_letters.max_jobs;
end;
$$;
