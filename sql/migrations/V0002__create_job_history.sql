-- Finished jobs leave the hot table for this one, which is dropped partition by partition: by state, because each has a
-- retention of its own, then by day. It is also the memory that tells a repeated outcome from a late one. New tables
-- only; workers of 0.15 never look here.

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
  replayed_at timestamptz,
  replayed_by text,
  state text not null check (state in ('succeeded', 'cancelled')),
  result json,
  cancelled_by text,
  cancel_reason text,
  finished_at timestamptz not null default now()
) partition by list (state);

comment on column ${schema}.job_history.cancelled_by is 'The database role that cancelled the job.';
comment on column ${schema}.job_history.cancel_reason is 'What was given as reason; last_error stays the last attempt''s.';

create index job_history_id_idx on ${schema}.job_history (id);

create table ${schema}.job_history_succeeded partition of ${schema}.job_history
  for values in ('succeeded') partition by range (finished_at);
create table ${schema}.job_history_cancelled partition of ${schema}.job_history
  for values in ('cancelled') partition by range (finished_at);

-- Catch what no day's partition takes (a scheduler that has not run for days); rows are never refused.
create table ${schema}.job_history_succeeded_default partition of ${schema}.job_history_succeeded default;
create table ${schema}.job_history_cancelled_default partition of ${schema}.job_history_cancelled default;

do $$
begin
  if exists (select 1 from pg_catalog.pg_roles r where r.rolname = 'administrator') then
    grant select on ${schema}.job_history to administrator;
  end if;
end;
$$;
