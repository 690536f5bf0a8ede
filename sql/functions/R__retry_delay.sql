-- How long to wait after a failed attempt: exponential (e^attempt seconds, at most e^10 = 6 h, the curve of 0.15) with
-- full jitter, so that jobs that failed together do not come back together; never under a second. Locks: none.
create or replace function ${schema}.retry_delay(attempt int) returns interval
language sql volatile
set search_path = pg_catalog, pg_temp
as $$
  select make_interval(secs => greatest(1, random() * exp(least(attempt, 10))));
$$;
