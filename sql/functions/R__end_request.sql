-- Keeps the answer to the request that begin_request has begun in this transaction. Locks: the key, which the transaction
-- has already.
create or replace function ${schema}.end_request(request_key text, answer json) returns void
language sql security definer
set search_path = pg_catalog, pg_temp
as $$
  update ${schema}.idempotency_keys k
  set answer = end_request.answer
  where k.database_id = ${schema}.required_database_id()
    and k.actor_id = coalesce(
      (select session.actor_id from ${schema}.session_context() as session), '00000000-0000-0000-0000-000000000000')
    and k.key = end_request.request_key
    and k.answer is null;
$$;
