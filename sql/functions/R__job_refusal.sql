-- Why a job cannot be added as it is asked for; null when it can. Names the value by what the caller calls it: labels has
-- the names of task, key, queue, max attempts and key mode, in this order. The limits are the check constraints of the
-- table, said here in words. Null is for whoever calls to judge, except for the task. Locks: none.
create or replace function ${schema}.job_refusal(
  labels text[],
  task text,
  key text,
  queue text,
  max_attempts int,
  key_mode text
) returns text
language sql immutable
set search_path = pg_catalog, pg_temp
as $$
  select case
    when coalesce(task, '') = '' then labels[1] || ' is null or empty'
    when length(task) > 126 then format('%s has %s characters, at most 126 are allowed', labels[1], length(task))
    when length(key) > 512 then format('%s has %s characters, at most 512 are allowed', labels[2], length(key))
    when length(queue) > 126 then format('%s has %s characters, at most 126 are allowed', labels[3], length(queue))
    when max_attempts < 1 then format('%s is %s, at least 1 is needed', labels[4], max_attempts)
    when key_mode not in ('replace', 'preserve_run_at', 'unsafe_dedupe') then
      format('%s is %L; it is one of replace, preserve_run_at, unsafe_dedupe', labels[5], left(key_mode, 100))
  end;
$$;
