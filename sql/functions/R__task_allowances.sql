-- The part of a claim that is about tasks: those that may not give as many jobs as asked for, and how many they may: none
-- while paused, what their cap on running jobs leaves, what their rate allows, and what the worker itself holds back
-- (held_tasks with held_allowances). No row when nothing limits anything. Locks: none.
create or replace function ${schema}.task_allowances(held_tasks text[], held_allowances int[])
returns table (task_identifier text, allowance int)
language sql stable
set search_path = pg_catalog, pg_temp
as $$
  with running (task, jobs) as (
    select j.task_identifier, count(*)
    from ${schema}.jobs j
    where j.locked_at is not null
      and j.task_identifier = any (array(
        select s.task_identifier from ${schema}.task_settings s where s.max_running is not null))
    group by j.task_identifier
  )
  select limits.task, greatest(0, min(limits.most))::int
  from (
    select
      s.task_identifier as task,
      least(
        case when s.paused_at is not null then 0 end,
        s.max_running - coalesce(r.jobs, 0),
        case when s.rate_per_second is not null
          then floor(${schema}.bucket_tokens(s.rate_per_second, s.rate_burst, s.tokens, s.tokens_at)) end
      ) as most
    from ${schema}.task_settings s
    left join running r on r.task = s.task_identifier
    union all
    select h.task, h.most from unnest(held_tasks, held_allowances) as h (task, most)
  ) as limits
  where limits.most is not null
  group by limits.task;
$$;
