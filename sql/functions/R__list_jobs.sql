-- Jobs of a tenant as the HTTP API lists them, alive and ended, the newest first. One row: how many match, whether that is
-- all of them, the page's documents as a JSON array, and where the next page begins (before_id of the next call; null at
-- the end). A null argument filters nothing. Not more than scan jobs alive and as many ended ones are looked at, so that
-- no filter makes a list expensive: where matching ones lie deeper, complete is false, the page may be short or empty,
-- and next_before leads on. Payloads and results beyond 16 KiB are left out, as job_summary does.
-- Another tenant than the caller's own is refused with TENANT_FORBIDDEN (PJ005); row-level security binds it besides.
-- Locks: none. Planned anew each time, because the filters decide which index is right.
create or replace function ${schema}.list_jobs(
  db_id uuid,
  actor uuid default null,
  statuses text[] default null,
  task text default null,
  job_key text default null,
  queue text default null,
  error_like text default null,
  created_after timestamptz default null,
  created_before timestamptz default null,
  before_id bigint default null,
  skip int default 0,
  max_jobs int default 25,
  scan int default 10000
) returns table (matching int, complete boolean, next_before bigint, documents json)
language plpgsql stable
set search_path = pg_catalog, pg_temp
set enable_seqscan = off
set jit = off
as $$
declare
  -- Conditions that have an index of their own go below the limit, all others above it.
  own constant text := 'a.organization_id = $1'
    || case when list_jobs.actor is not null then ' and a.user_id = $2' else '' end
    || case when list_jobs.before_id is not null then ' and a.id < $10' else '' end;
  live constant text := case
    when list_jobs.statuses is null or list_jobs.statuses && array['queued', 'running', 'retrying']
      then own
    when list_jobs.statuses && array['failed']
      -- As its index has it; the status says the same.
      then own || ' and a.completed_at is not null'
    else 'false'
  end;
  ended constant text := case
    when list_jobs.statuses is null then own
    when list_jobs.statuses && array['succeeded', 'cancelled'] then own || ' and a.status = any ($3)'
    else 'false'
  end;
begin
  perform ${schema}.require_tenant(list_jobs.db_id);
  return query execute format(
    $query$
      with live as materialized (
        select a.id, a.status, a.job_type, a.key, a.queue_name, a.error_message, a.created_at
        from ${schema}.api_live_jobs a where %1$s order by a.id desc limit $13
      ), ended as materialized (
        select a.id, a.status, a.job_type, a.key, a.queue_name, a.error_message, a.created_at
        from ${schema}.api_ended_jobs a where %2$s order by a.id desc limit $13
      ), known as materialized (
        -- Below the higher of the two ends nothing is known of one kind.
        select greatest(
          (select min(l.id) from live l having count(*) = $13),
          (select min(e.id) from ended e having count(*) = $13)) as down_to
      ), found as materialized (
        select u.id
        from (select * from live union all select * from ended) u
        where u.id >= coalesce((select k.down_to from known k), 0)
          and ($3 is null or u.status = any ($3))
          and ($4 is null or u.job_type = $4)
          and ($5 is null or u.key = $5)
          and ($6 is null or u.queue_name = $6)
          and ($7 is null or u.error_message ilike $7)
          and ($8 is null or u.created_at >= $8)
          and ($9 is null or u.created_at < $9)
        order by u.id desc
      ), page as materialized (
        select f.id from found f order by f.id desc offset $11 limit $12
      ), counted as (
        select count(*)::int as matching from found
      )
      select
        c.matching,
        k.down_to is null,
        case when c.matching > $11 + $12 then (select min(p.id) from page p) else k.down_to end,
        (
          select coalesce(json_agg(d.document order by d.id desc), '[]'::json)
          from (
            select a.id, ${schema}.job_summary(a, 16384) as document
            from ${schema}.api_jobs a
            where a.organization_id = $1 and a.id = any (array(select p.id from page p))
          ) as d
        )
      from counted c
      cross join known k
    $query$, live, ended)
  using
    list_jobs.db_id, list_jobs.actor, list_jobs.statuses, list_jobs.task, list_jobs.job_key, list_jobs.queue,
    list_jobs.error_like, list_jobs.created_after, list_jobs.created_before, list_jobs.before_id, list_jobs.skip,
    list_jobs.max_jobs, list_jobs.scan;
end;
$$;
