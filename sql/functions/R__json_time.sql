-- A moment as JSON writes it: UTC, milliseconds, as in 2027-01-31T08:00:00.000Z; null for one without an end. Locks: none.
create or replace function ${schema}.json_time(moment timestamptz) returns text
language sql immutable
set search_path = pg_catalog, pg_temp
as $$
  select case when isfinite(json_time.moment)
    then to_char(json_time.moment at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') end;
$$;
