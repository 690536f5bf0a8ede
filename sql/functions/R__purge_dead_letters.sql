-- Deletes the dead letters that a filter names (choose_dead_letters says how it reads), those that died first first, and
-- returns them; a dry run only returns them. They go nowhere else: who wants to keep them stores what is returned. For
-- more than max_jobs call it again until it returns fewer, a transaction each.
-- Locks: the dead letters, skip locked: those that somebody else is busy with are left to him.
create or replace function ${schema}.purge_dead_letters(
  db_id uuid default null,
  task text default null,
  error_like text default null,
  died_after timestamptz default null,
  died_before timestamptz default null,
  max_jobs int default 1000,
  dry_run boolean default false,
  job_ids bigint[] default null
) returns setof ${schema}.dead_letters
language plpgsql
set search_path = pg_catalog, pg_temp
set enable_seqscan = off
set jit = off
as $$
declare
  chosen bigint[];
begin
  select array_agg(c.job_id order by c.died_at, c.job_id) into chosen
  from ${schema}.choose_dead_letters(
    purge_dead_letters.db_id, purge_dead_letters.task, purge_dead_letters.error_like,
    purge_dead_letters.died_after, purge_dead_letters.died_before, purge_dead_letters.job_ids,
    true, purge_dead_letters.max_jobs, not purge_dead_letters.dry_run) c;
  return query
  select d.*
  from unnest(chosen) with ordinality as c (id, place)
  join ${schema}.dead_letters d on d.id = c.id
  order by c.place;
  if not purge_dead_letters.dry_run then
    delete from ${schema}.jobs j where j.id = any (chosen);
  end if;
end;
$$;
