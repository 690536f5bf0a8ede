-- Wakes workers after an insert, once a statement and with an empty payload, which Postgres folds within a transaction.
-- Silent when everything inserted is due later than a minute from now: workers look again at least that often, and in
-- between sleep exactly until the next due time, which they must therefore hear of when it comes nearer.
-- Silent as well while a worker has promised, in awake_until, to look by itself within that time: a NOTIFY makes commits
-- wait for each other, which costs most where there are many.
-- Locks: none, but a transaction that notifies takes Postgres' notify lock at commit.
create or replace function ${schema}.tg_notify_jobs() returns trigger
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  -- Two conditions and no query in the first, which mostly says no where many insert: 275 µs an add_job instead of 300.
  if coalesce(pg_sequence_last_value('${schema}.awake_until'), 0) < extract(epoch from clock_timestamp()) * 1000000 then
    if exists (select 1 from inserted i where i.run_at <= now() + interval '1 minute') then
      perform pg_notify('jobs:insert', '');
    end if;
  end if;
  return null;
end;
$$;
