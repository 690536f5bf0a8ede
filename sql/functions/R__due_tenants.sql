-- The part of a claim that is about fairness: tenants that have due jobs and may start some, and how many of max_jobs each
-- should get so that the running jobs of all are in proportion to their weights (1 unless tenant_settings says
-- otherwise), none above its room: its cap on running jobs and what its rate allows. What one does not use goes to the
-- others: the caller asks again without those that gave less than their share. The column others says whether there are
-- more tenants than the answer names. Where only one has due jobs and no setting exists, it gets all, uncounted.
-- Tenants are entered at a random place and no more of them than max_jobs, at least 64, are weighed against each other, so
-- that a claim does not cost more with thousands of them. Returns no row when nothing may start. Locks: none.
create or replace function ${schema}.due_tenants(max_jobs int, without uuid[])
returns table (database_id uuid, share int, others boolean)
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
  entry uuid := gen_random_uuid();
  nobody constant uuid := '00000000-0000-0000-0000-000000000000';
  most constant int := greatest(64, due_tenants.max_jobs);
  limited constant boolean := exists (select 1 from ${schema}.tenant_settings);
  due uuid[];
  first uuid;
  last uuid;
begin
  select
    least(
      (select j.database_id from ${schema}.jobs j
       where j.due and j.queue_name is null and j.locked_at is null and j.attempts < j.max_attempts
       order by j.database_id limit 1),
      (select j.database_id from ${schema}.jobs j
       where j.due and j.queue_name is not null and j.locked_at is null and j.attempts < j.max_attempts
       order by j.database_id limit 1)),
    greatest(
      (select j.database_id from ${schema}.jobs j
       where j.due and j.queue_name is null and j.locked_at is null and j.attempts < j.max_attempts
       order by j.database_id desc limit 1),
      (select j.database_id from ${schema}.jobs j
       where j.due and j.queue_name is not null and j.locked_at is null and j.attempts < j.max_attempts
       order by j.database_id desc limit 1))
  into first, last;
  if first is null then
    return;
  end if;
  if first = last then
    return query
    select alone.id, alone.room, false
    from (
      select
        first as id,
        case when limited then ${schema}.tenant_room(first, due_tenants.max_jobs) else due_tenants.max_jobs end as room
    ) as alone
    where alone.room > 0 and alone.id <> all (due_tenants.without);
    return;
  end if;

  with recursive tenants_after (id) as (
    select least(
      (select j.database_id from ${schema}.jobs j
       where j.database_id >= entry
         and j.due and j.queue_name is null and j.locked_at is null and j.attempts < j.max_attempts
       order by j.database_id limit 1),
      (select j.database_id from ${schema}.jobs j
       where j.database_id >= entry
         and j.due and j.queue_name is not null and j.locked_at is null and j.attempts < j.max_attempts
       order by j.database_id limit 1))
    union all
    select least(
      (select j.database_id from ${schema}.jobs j
       where j.database_id > t.id
         and j.due and j.queue_name is null and j.locked_at is null and j.attempts < j.max_attempts
       order by j.database_id limit 1),
      (select j.database_id from ${schema}.jobs j
       where j.database_id > t.id
         and j.due and j.queue_name is not null and j.locked_at is null and j.attempts < j.max_attempts
       order by j.database_id limit 1))
    from tenants_after t
    where t.id is not null
  ), tenants_before (id) as (
    select least(
      (select j.database_id from ${schema}.jobs j
       where j.database_id < entry
         and j.due and j.queue_name is null and j.locked_at is null and j.attempts < j.max_attempts
       order by j.database_id limit 1),
      (select j.database_id from ${schema}.jobs j
       where j.database_id < entry
         and j.due and j.queue_name is not null and j.locked_at is null and j.attempts < j.max_attempts
       order by j.database_id limit 1))
    union all
    select least(
      (select j.database_id from ${schema}.jobs j
       where j.database_id > t.id and j.database_id < entry
         and j.due and j.queue_name is null and j.locked_at is null and j.attempts < j.max_attempts
       order by j.database_id limit 1),
      (select j.database_id from ${schema}.jobs j
       where j.database_id > t.id and j.database_id < entry
         and j.due and j.queue_name is not null and j.locked_at is null and j.attempts < j.max_attempts
       order by j.database_id limit 1))
    from tenants_before t
    where t.id is not null
  )
  select array_agg(looked.id) into due
  from (
    select t.id
    from (
      select a.id from tenants_after a where a.id is not null
      union all
      select b.id from tenants_before b where b.id is not null
    ) as t
    where t.id <> all (due_tenants.without)
      and (not limited or ${schema}.tenant_room(t.id, due_tenants.max_jobs) > 0)
    limit most
  ) as looked;

  if due is null then
    return;
  end if;
  return query
  with turns as (
    select w.id
    from (
      select
        t.id,
        t.place,
        coalesce(own.weight, everybody.weight, 1) as weight,
        leased.running,
        case when limited then ${schema}.tenant_room(t.id, due_tenants.max_jobs) else due_tenants.max_jobs end as room
      from unnest(due) with ordinality as t (id, place)
      left join ${schema}.tenant_settings own on own.database_id = t.id
      left join ${schema}.tenant_settings everybody on everybody.database_id = nobody
      cross join lateral (
        select count(*) as running
        from (
          select 1
          from ${schema}.jobs j
          where j.database_id = t.id and j.locked_at is not null
          -- Beyond a thousand running jobs the proportions are good enough.
          limit 1000
        ) as counted
      ) as leased
    ) as w
    cross join lateral generate_series(1, w.room) as n
    order by (w.running + n) / w.weight, w.place
    limit due_tenants.max_jobs
  )
  select t.id, count(*)::int, cardinality(due) >= most or count(*) over () < cardinality(due)
  from turns t
  group by t.id;
end;
$$;
