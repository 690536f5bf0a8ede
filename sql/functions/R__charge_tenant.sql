-- Takes tokens for claimed jobs out of a tenant's bucket; a tenant without a rate has none, one that has its rate from the
-- settings for everybody gets a row of its own for its bucket. Locks: its row, under the lock that claim_jobs holds.
create or replace function ${schema}.charge_tenant(db_id uuid, jobs int) returns void
language sql
set search_path = pg_catalog, pg_temp
as $$
  insert into ${schema}.tenant_settings as s (database_id, tokens, tokens_at)
  select db_id, ${schema}.bucket_tokens(b.rate, b.burst, b.tokens, b.tokens_at) - jobs, clock_timestamp()
  from (
    select
      coalesce(own.rate_per_second, everybody.rate_per_second) as rate,
      coalesce(own.rate_burst, everybody.rate_burst) as burst,
      own.tokens,
      own.tokens_at
    from (select 1) as one
    left join ${schema}.tenant_settings own on own.database_id = db_id
    left join ${schema}.tenant_settings everybody on everybody.database_id = '00000000-0000-0000-0000-000000000000'
  ) as b
  where b.rate is not null
  on conflict (database_id) do update set tokens = excluded.tokens, tokens_at = excluded.tokens_at;
$$;
