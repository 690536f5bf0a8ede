-- How long to wait after a failure beside the function: doubling from 1 s to 5 min with full jitter, at least 200 ms.
-- With the cap of 20 such failures (infra_failures_max) the delays add up to half an hour on average and an hour at
-- most; a target that is away for longer finds its jobs as dead letters. Locks: none.
create or replace function ${schema}.infra_delay(failures int) returns interval
language sql volatile
set search_path = pg_catalog, pg_temp
as $$
  select make_interval(secs => greatest(0.2, random() * least(300, power(2, least(failures, 20) - 1))));
$$;
