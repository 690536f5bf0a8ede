-- How long to wait after a failed attempt of a task: retry_first, growing by retry_factor with each attempt up to
-- retry_most, with retry_jitter, as task_settings says. Without: exponential (e^attempt seconds, at most e^10 = 6 h, the
-- curve of 0.15) with full jitter, so that jobs that failed together do not come back together. Never under a second
-- unless the task's own policy says so. Locks: none.
create or replace function ${schema}.retry_delay(task text, attempt int) returns interval
language sql volatile
set search_path = pg_catalog, pg_temp
as $$
  select make_interval(secs => greatest(
    least(1, policy.first, policy.most),
    case policy.jitter
      when 'none' then delay.seconds
      when 'half' then delay.seconds * (1 + random()) / 2
      else delay.seconds * random()
    end))
  from (select 1) as one
  left join ${schema}.task_settings s on s.task_identifier = retry_delay.task
  cross join lateral (
    select
      coalesce(extract(epoch from s.retry_first), exp(1))::double precision as first,
      coalesce(s.retry_factor, exp(1))::double precision as factor,
      coalesce(extract(epoch from s.retry_most), exp(10))::double precision as most,
      s.retry_jitter as jitter
  ) as policy
  -- By logarithms, so that a thousandth attempt does not overflow.
  cross join lateral (
    select exp(least(
      ln(policy.most), ln(policy.first) + greatest(retry_delay.attempt - 1, 0) * ln(policy.factor))) as seconds
  ) as delay;
$$;
