-- The run's witness inside the database: a row for each step of a job's life, written by triggers in the transaction
-- that takes the step, so that it is there exactly when the step is committed. A job's steps are numbered in the order
-- in which they happened, because each is numbered under the job's row lock.
create schema chaos;

create table chaos.journal (
  seq bigint generated always as identity primary key,
  at timestamptz not null default clock_timestamp(),
  began timestamptz not null default transaction_timestamp(),
  job bigint not null,
  step text not null,
  attempts int not null,
  token uuid,
  worker text,
  caller text,
  load_number bigint,
  parent_offer bigint,
  queue text,
  priority int not null,
  run_at timestamptz not null
);

-- The innermost app_jobs function of a call stack.
create function chaos.caller(stack text) returns text
language sql immutable
set search_path = pg_catalog, pg_temp
as $$
  select substring(caller.stack from '(?:PL/pgSQL function app_jobs\.|SQL function "|SQL function app_jobs\.)([a-z_]+)');
$$;

create function chaos.number(payload json, name text) returns bigint
language sql immutable
set search_path = pg_catalog, pg_temp
as $$
  select case when json_typeof(number.payload) = 'object' then (number.payload ->> number.name)::bigint end;
$$;

create function chaos.journal_job() returns trigger
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  stack text;
  caller text;
  step text;
  token uuid := new.lease_token;
  worker text := new.locked_by;
begin
  -- Renewals and progress change nothing that is judged.
  if tg_op = 'UPDATE' and old.lease_token is not distinct from new.lease_token
    and new.lease_token is not null
    and old.waiting_since is not distinct from new.waiting_since
    and old.superseded_at is not distinct from new.superseded_at
  then
    return null;
  end if;
  get diagnostics stack = pg_context;
  caller := chaos.caller(stack);
  -- A claim has noticed that the job's time has come; nothing was decided about it.
  if caller = 'promote_due_jobs' then
    return null;
  end if;

  if tg_op = 'INSERT' then
    step := 'added';
  elsif new.lease_token is not null and old.lease_token is distinct from new.lease_token then
    step := 'claimed';
  elsif new.lease_token is not null then
    step := case when new.waiting_since is distinct from old.waiting_since then 'waiting' else 'superseded' end;
  elsif old.lease_token is not null then
    token := old.lease_token;
    worker := old.locked_by;
    step := case
      when caller = 'reap_leases' then 'expired'
      when caller in ('release_leases', 'release_jobs') then 'released'
      when new.errors is distinct from old.errors then new.errors -> -1 ->> 'outcome'
      else 'snooze'
    end;
  elsif caller = 'add_keyed_job' then
    step := 'replaced';
  elsif old.attempts >= old.max_attempts and new.attempts < new.max_attempts then
    step := 'replayed';
  else
    step := 'rescheduled';
  end if;

  insert into chaos.journal (
    job, step, attempts, token, worker, caller, load_number, parent_offer, queue, priority, run_at)
  values (
    new.id, step, new.attempts, token, worker, caller, chaos.number(new.payload, 'n'),
    chaos.number(new.payload, 'offer'), new.database_id || '/' || new.queue_name, new.priority, new.run_at);
  return null;
end;
$$;

create function chaos.journal_end() returns trigger
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  stack text;
begin
  get diagnostics stack = pg_context;
  insert into chaos.journal (
    job, step, attempts, token, worker, caller, load_number, parent_offer, queue, priority, run_at)
  values (
    new.id, case new.state when 'succeeded' then 'complete' else new.state end, new.attempts, new.lease_token,
    new.worker_id, chaos.caller(stack), chaos.number(new.payload, 'n'), chaos.number(new.payload, 'offer'),
    new.database_id || '/' || new.queue_name, new.priority, new.run_at);
  return null;
end;
$$;

create trigger chaos_journal after insert or update on app_jobs.jobs
  for each row execute function chaos.journal_job();
create trigger chaos_journal after insert on app_jobs.job_history
  for each row execute function chaos.journal_end();

-- Limits, so that claims take their longer way: together under the lock that keeps caps exact.
insert into app_jobs.tenant_settings (database_id, max_running)
values ('00000000-0000-0000-0000-000000000000', 40);
insert into app_jobs.task_settings (task_identifier, max_running, retry_most)
values ('many', 12, '20 seconds');
