-- What the attempts of a job are after one that did not complete it: given back when it is not charged, used up when a
-- newer job took over the job's key while it ran, because its payload is out of date. Locks: none.
create or replace function ${schema}.attempts_after(job ${schema}.jobs, charged boolean) returns int
language sql immutable
set search_path = pg_catalog, pg_temp
as $$
  select case
    when job.superseded_at is not null then greatest(job.attempts, job.max_attempts)
    when charged then job.attempts
    else greatest(job.attempts - 1, 0)
  end;
$$;
