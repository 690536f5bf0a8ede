-- Takes a token for each claimed job out of the buckets of its task; tasks without a rate have none. Locks: the rows of
-- these tasks, under the lock that claim_jobs holds.
create or replace function ${schema}.charge_tasks(tasks text[]) returns void
language sql
set search_path = pg_catalog, pg_temp
as $$
  update ${schema}.task_settings s
  set tokens = ${schema}.bucket_tokens(s.rate_per_second, s.rate_burst, s.tokens, s.tokens_at) - claimed.jobs,
    tokens_at = clock_timestamp()
  from (select c.task, count(*) as jobs from unnest(tasks) as c (task) group by c.task) as claimed
  where s.task_identifier = claimed.task and s.rate_per_second is not null;
$$;
