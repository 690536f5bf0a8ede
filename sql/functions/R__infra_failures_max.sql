-- After how many infrastructure failures (no connection, lost worker) a job is a dead letter. Locks: none.
create or replace function ${schema}.infra_failures_max() returns int
language sql immutable
as $$
  select 20;
$$;
