-- In how many seconds there may be something to claim that may not be claimed now: the next job becomes due, or a rate has
-- a token again. Null when nothing waits for its time. Jobs that may be claimed already do not count: whoever claims has
-- just looked. Zero or less when a job is due that another claim is promoting. By the database's clock. Locks: none.
create or replace function ${schema}.next_due() returns double precision
language sql stable
set search_path = pg_catalog, pg_temp
set enable_seqscan = off
set jit = off
set enable_bitmapscan = off
as $$
  select least(
    (select extract(epoch from j.run_at - clock_timestamp())
     from ${schema}.jobs j
     where not j.due and j.locked_at is null and j.attempts < j.max_attempts
     order by j.run_at
     limit 1),
    (select min((1 - t.tokens) / t.rate)
     from (
       select
         s.rate_per_second as rate,
         ${schema}.bucket_tokens(s.rate_per_second, s.rate_burst, s.tokens, s.tokens_at) as tokens
       from ${schema}.task_settings s
       where s.rate_per_second is not null
       union all
       select
         coalesce(s.rate_per_second, e.rate_per_second),
         ${schema}.bucket_tokens(
           coalesce(s.rate_per_second, e.rate_per_second), coalesce(s.rate_burst, e.rate_burst), s.tokens, s.tokens_at)
       from ${schema}.tenant_settings s
       left join ${schema}.tenant_settings e on e.database_id = '00000000-0000-0000-0000-000000000000'
       where coalesce(s.rate_per_second, e.rate_per_second) is not null
     ) as t
     where t.tokens < 1)
  )::double precision;
$$;
