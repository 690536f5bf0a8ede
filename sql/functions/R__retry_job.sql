-- Replays one dead letter as replay_jobs does, for the request that the session works for: from now on the job carries that
-- request's id and trace, because a retry is a new trace; the former one is returned, to link the two. Null when the job is
-- no dead letter or another tenant's; an empty text when it had no trace.
-- Locks: the job's row; of two callers the later one waits and finds nothing to retry.
create or replace function ${schema}.retry_job(job_id bigint, replayed_by text) returns text
language plpgsql security definer
set search_path = pg_catalog, pg_temp
set enable_seqscan = off
set jit = off
as $$
declare
  former text;
begin
  select coalesce(j.traceparent, '') into former from ${schema}.jobs j where j.id = retry_job.job_id;
  perform ${schema}.replay_jobs(array[retry_job.job_id], retry_job.replayed_by);
  if not found then
    return null;
  end if;
  update ${schema}.jobs j
  set traceparent = coalesce(session.traceparent, j.traceparent),
    request_id = coalesce(session.request_id, j.request_id)
  from ${schema}.session_context() as session
  where j.id = retry_job.job_id;
  return former;
end;
$$;
