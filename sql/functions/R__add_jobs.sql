-- Adds many jobs in the caller's transaction, in one statement; an answer for each, in their order. jobs is a JSON array
-- of objects as add_jobs_in_context reads them. What an object does not give of actor, entity, request and trace comes
-- from session_context. Another tenant than the caller's own is refused with TENANT_FORBIDDEN (PJ005). Locks: as add_jobs_in_context.
create or replace function ${schema}.add_jobs(db_id uuid, jobs json)
returns table (element int, job_id bigint, outcome text)
language sql security definer
set search_path = pg_catalog, pg_temp
as $$
  select added.element, added.job_id, added.outcome
  from ${schema}.session_context() as session
  cross join ${schema}.require_tenant(add_jobs.db_id)
  cross join lateral ${schema}.add_jobs_in_context(
    add_jobs.db_id, add_jobs.jobs, session.actor_id, session.entity_id, session.request_id, session.traceparent) as added
  order by added.element;
$$;
