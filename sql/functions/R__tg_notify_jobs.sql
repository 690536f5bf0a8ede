-- Wakes workers after an insert, once a statement and with an empty payload, which Postgres folds within a transaction.
-- Silent when everything inserted is due later than a minute from now: workers look again at least that often, and in
-- between sleep exactly until the next due time, which they must therefore hear of when it comes nearer.
-- Locks: none, but a transaction that notifies takes Postgres' notify lock at commit.
create or replace function ${schema}.tg_notify_jobs() returns trigger
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
  if exists (select 1 from inserted i where i.run_at <= now() + interval '1 minute') then
    perform pg_notify('jobs:insert', '');
  end if;
  return null;
end;
$$;
