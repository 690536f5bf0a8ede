-- What has changed of the jobs that live clients watch: those whose version is not the one that the caller saw last. A job
-- that nobody remembers any more is not among them. Ended jobs are looked for only where the table of living ones has
-- none: the history has a partition for each day.
-- Locks: none. Whoever calls has decided that its clients may see the jobs.
create or replace function ${schema}.watch_jobs(job_ids bigint[], versions text[]) returns setof ${schema}.api_jobs
language sql stable
set search_path = pg_catalog, pg_temp
set enable_seqscan = off
set jit = off
as $$
  with watched as materialized (
    select w.id, w.version from unnest(watch_jobs.job_ids, watch_jobs.versions) as w (id, version)
  ), alive as materialized (
    select a.id, a.version is distinct from w.version as changed
    from watched w
    join ${schema}.api_live_jobs a on a.id = w.id
  ), changed as (
    select a.id from alive a where a.changed
    union all
    select w.id from watched w where not exists (select 1 from alive a where a.id = w.id)
  )
  select
    a.id, a.organization_id, a.user_id, a.job_type, a.status, a.priority, a.retry_count, a.max_retries, a.payload,
    a.result, a.error_message, a.progress, a.total_steps, a.current_step, a.started_at, a.completed_at, a.scheduled_at,
    a.created_at, a.updated_at, a.queue_name, a.key, a.entity_id, a.request_id, a.traceparent, a.can_cancel,
    a.can_retry, a.version
  from ${schema}.api_jobs a
  join watched w on w.id = a.id
  where a.id = any (array(select c.id from changed c)) and a.version is distinct from w.version;
$$;
