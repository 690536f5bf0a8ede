-- Writes a line of the audit log in the caller's transaction: for the tenant and user of the session, with its request and
-- trace. A session without a tenant is refused with INVALID_ARGUMENT (PJ003). Locks: none.
create or replace function ${schema}.record_change(actor text, action text, target text, details jsonb default '{}')
returns void
language sql security definer
set search_path = pg_catalog, pg_temp
as $$
  insert into ${schema}.audit_log (database_id, actor_id, actor, action, target, request_id, traceparent, details)
  select
    ${schema}.required_database_id(), session.actor_id, record_change.actor, record_change.action, record_change.target,
    session.request_id, session.traceparent, coalesce(record_change.details, '{}'::jsonb)
  from ${schema}.session_context() as session;
$$;
