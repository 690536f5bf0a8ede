-- The time that schedules go by: the database's clock, for all schedulers. A function of its own so that a test may set
-- it, and a month passes in seconds. Locks: none.
create or replace function ${schema}.schedule_clock() returns timestamptz
language sql volatile
set search_path = pg_catalog, pg_temp
as 'select clock_timestamp()';
