-- Finished jobs leave the hot table for this one, which is dropped partition by partition. It is also the memory that
-- tells a repeated outcome from a late one. New tables only; workers of 0.15 never look here.

create table ${schema}.job_history (
  id bigint not null,
  database_id uuid not null,
  queue_name text,
  task_identifier text not null,
  payload json not null,
  priority int not null,
  run_at timestamptz not null,
  attempts int not null,
  max_attempts int not null,
  key text,
  last_error text,
  started_at timestamptz,
  worker_id text,
  lease_token uuid,
  created_at timestamptz,
  actor_id uuid,
  entity_id uuid,
  request_id text,
  traceparent text,
  infra_failures int not null,
  errors jsonb not null,
  progress jsonb,
  state text not null check (state in ('succeeded', 'cancelled')),
  result json,
  finished_at timestamptz not null default now()
) partition by range (finished_at);

create index job_history_id_idx on ${schema}.job_history (id);

-- Catches what no day's partition takes (a scheduler that has not run for days); rows are never refused.
create table ${schema}.job_history_default partition of ${schema}.job_history default;

do $$
begin
  if exists (select 1 from pg_catalog.pg_roles r where r.rolname = 'administrator') then
    grant select on ${schema}.job_history to administrator;
  end if;
end;
$$;
