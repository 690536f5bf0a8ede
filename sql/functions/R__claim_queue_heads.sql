-- Of the given jobs, which were the heads of their queues a moment ago, those that still are, locked for the caller. Under
-- the queue's lock a fresh look decides, because the caller's may be older than another claimer's commit: nothing of the
-- queue may be leased, and no earlier job of it be due, also none that is due but not promoted yet.
-- Locks: tries a transaction lock per queue and passes over queues that another claimer holds; then the job's row.
create or replace function ${schema}.claim_queue_heads(job_ids bigint[])
returns table (job_id bigint, task_identifier text)
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
  head_id bigint;
  head ${schema}.jobs;
begin
  foreach head_id in array claim_queue_heads.job_ids loop
    select j.* into head from ${schema}.jobs j where j.id = head_id;
    continue when not found or not pg_try_advisory_xact_lock(
      hashtextextended('${schema}.queue:' || head.database_id || head.queue_name, 0));
    continue when exists (
      select 1 from ${schema}.jobs busy
      where busy.database_id = head.database_id
        and busy.queue_name = head.queue_name
        and busy.locked_at is not null);
    continue when exists (
      select 1 from ${schema}.jobs earlier
      where earlier.database_id = head.database_id
        and hashtextextended(earlier.queue_name, 0) = hashtextextended(head.queue_name, 0)
        and earlier.queue_name = head.queue_name
        and earlier.due and earlier.locked_at is null and earlier.attempts < earlier.max_attempts
        and (earlier.priority, earlier.run_at, earlier.id) < (head.priority, head.run_at, head.id));
    continue when exists (
      select 1 from ${schema}.jobs earlier
      where earlier.database_id = head.database_id
        and hashtextextended(earlier.queue_name, 0) = hashtextextended(head.queue_name, 0)
        and earlier.queue_name = head.queue_name
        and not earlier.due and earlier.locked_at is null and earlier.attempts < earlier.max_attempts
        and earlier.run_at <= now()
        and (earlier.priority, earlier.run_at, earlier.id) < (head.priority, head.run_at, head.id));
    return query
    select j.id, j.task_identifier
    from ${schema}.jobs j
    where j.id = head.id
      and j.due and j.locked_at is null and j.attempts < j.max_attempts
      and j.queue_name = head.queue_name
    for update skip locked;
  end loop;
end;
$$;
