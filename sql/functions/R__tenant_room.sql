-- How many jobs of a tenant may start now, at most max_jobs: none while it is paused, what its cap on running jobs leaves,
-- what its rate allows. Locks: none; exact under the lock that claim_jobs holds.
create or replace function ${schema}.tenant_room(db_id uuid, max_jobs int) returns int
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
declare
  cap int;
  room int := tenant_room.max_jobs;
  limits record;
begin
  select
    own.paused_at,
    coalesce(own.max_running, everybody.max_running) as max_running,
    coalesce(own.rate_per_second, everybody.rate_per_second) as rate,
    coalesce(own.rate_burst, everybody.rate_burst) as burst,
    own.tokens,
    own.tokens_at
  into limits
  from (select 1) as one
  left join ${schema}.tenant_settings own on own.database_id = tenant_room.db_id
  left join ${schema}.tenant_settings everybody on everybody.database_id = '00000000-0000-0000-0000-000000000000';
  if limits.paused_at is not null then
    return 0;
  end if;
  cap := limits.max_running;
  if cap is not null then
    room := least(room, cap - (
      select count(*)
      from (
        select 1 from ${schema}.jobs j
        where j.database_id = tenant_room.db_id and j.locked_at is not null
        limit cap
      ) as counted));
  end if;
  if limits.rate is not null then
    room := least(room, floor(${schema}.bucket_tokens(limits.rate, limits.burst, limits.tokens, limits.tokens_at)));
  end if;
  return greatest(0, room);
end;
$$;
