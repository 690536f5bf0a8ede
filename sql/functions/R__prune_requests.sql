-- Forgets up to max_rows answers to requests older than a day, and as many lines of the audit log older than its retention;
-- how many it were. Call again while it is max_rows or more. Locks: the rows, skip locked.
create or replace function ${schema}.prune_requests(audit_retention interval, max_rows int default 1000) returns int
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  forgotten int;
  deleted int;
begin
  delete from ${schema}.idempotency_keys k
  where k.ctid = any (array(
    select old.ctid from ${schema}.idempotency_keys old
    where old.created_at < now() - interval '1 day'
    limit prune_requests.max_rows
    for update skip locked));
  get diagnostics forgotten = row_count;
  -- Ids rise with time, so the oldest are at the beginning of the key.
  delete from ${schema}.audit_log a
  where a.id = any (array(
    select old.id
    from (select o.id, o.at from ${schema}.audit_log o order by o.id limit prune_requests.max_rows) old
    where old.at < now() - prune_requests.audit_retention));
  get diagnostics deleted = row_count;
  return forgotten + deleted;
end;
$$;
