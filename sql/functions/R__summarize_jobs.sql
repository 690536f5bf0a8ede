-- A tenant's queues or tasks by name, each with how many jobs are in which state of the HTTP API, as that API's JSON. Counts
-- the newest jobs alive, not more than scan of them, so that a long backlog does not make it expensive; countsAreCapped says
-- when there are others. Of one user (actor) only the jobs count. A queue is there while it has jobs or, for all users, is
-- paused, a task while it has jobs. Reads as its owner;
-- another tenant than the caller's own is refused with TENANT_FORBIDDEN (PJ005). Locks: none.
create or replace function ${schema}.summarize_jobs(
  db_id uuid,
  by_queue boolean,
  actor uuid default null,
  only_name text default null,
  after_name text default null,
  max_names int default 100,
  scan int default 10000
) returns table (name text, document json)
language plpgsql stable security definer
set search_path = pg_catalog, pg_temp
set jit = off
set plan_cache_mode = force_custom_plan
as $$
begin
  perform ${schema}.require_tenant(summarize_jobs.db_id);
  return query
  with looked as materialized (
    select a.id, a.status, case when summarize_jobs.by_queue then a.queue_name else a.job_type end as subject
    from ${schema}.api_live_jobs a
    where a.organization_id = summarize_jobs.db_id
      and (summarize_jobs.actor is null or a.user_id = summarize_jobs.actor)
    order by a.id desc
    limit summarize_jobs.scan
  ), counted as (
    select
      l.subject,
      count(*) filter (where l.status = 'queued') as queued,
      count(*) filter (where l.status = 'running') as running,
      count(*) filter (where l.status = 'retrying') as retrying,
      count(*) filter (where l.status = 'failed') as failed
    from looked l
    where l.subject is not null
    group by l.subject
  ), paused as (
    select q.queue_name as subject, q.paused_at, q.paused_by
    from ${schema}.paused_queues q
    where summarize_jobs.by_queue and q.database_id = summarize_jobs.db_id
    union all
    select s.task_identifier, s.paused_at, s.paused_by
    from ${schema}.task_settings s
    where not summarize_jobs.by_queue and s.paused_at is not null
  )
  select
    coalesce(c.subject, p.subject),
    json_build_object(
      'name', coalesce(c.subject, p.subject),
      'queued', coalesce(c.queued, 0),
      'running', coalesce(c.running, 0),
      'retrying', coalesce(c.retrying, 0),
      'failed', coalesce(c.failed, 0),
      'countsAreCapped', (select count(*) >= summarize_jobs.scan from looked),
      'pausedAt', ${schema}.json_time(p.paused_at),
      'pausedBy', p.paused_by)
  from counted c
  full join paused p on p.subject = c.subject
  where (c.subject is not null or (summarize_jobs.by_queue and summarize_jobs.actor is null))
    and (summarize_jobs.only_name is null or coalesce(c.subject, p.subject) = summarize_jobs.only_name)
    and (summarize_jobs.after_name is null or coalesce(c.subject, p.subject) > summarize_jobs.after_name)
  order by 1
  limit summarize_jobs.max_names;
end;
$$;
