-- claim_jobs gains an argument at its end; beside the old signature every call would be ambiguous. Workers that call it
-- with the old arguments can live with the new one. Locks: none on tables.
drop function if exists ${schema}.claim_jobs(
  text, text[], int, interval, text[], int[], uuid, text, int, timestamptz, bigint, interval);
