-- Begins a request that may be sent again under the same key, by the tenant and user of the session: no row when it is the
-- first, and then end_request keeps its answer; else the answer that the first one got, null when that one asked for
-- something else. Locks: the key, until the end of the transaction; whoever sends the same at the same time waits for the
-- first one's answer, and is the first himself where that one was rolled back.
create or replace function ${schema}.begin_request(request_key text, request_hash text) returns table (answer json)
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
  tenant constant uuid := ${schema}.required_database_id();
  actor constant uuid := coalesce(
    (select session.actor_id from ${schema}.session_context() as session), '00000000-0000-0000-0000-000000000000');
begin
  delete from ${schema}.idempotency_keys k
  where k.database_id = tenant and k.actor_id = actor and k.key = begin_request.request_key
    and k.created_at < now() - interval '1 day';
  insert into ${schema}.idempotency_keys (database_id, actor_id, key, request_hash)
  values (tenant, actor, begin_request.request_key, begin_request.request_hash)
  on conflict do nothing;
  if found then
    return;
  end if;
  return query
  select case when k.request_hash = begin_request.request_hash then k.answer end
  from ${schema}.idempotency_keys k
  where k.database_id = tenant and k.actor_id = actor and k.key = begin_request.request_key;
end;
$$;
