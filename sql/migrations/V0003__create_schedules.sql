-- Schedules, built or adopted from pgpm-database-jobs 0.15. A scheduler of 0.15 can still read and lock rows; run
-- either it or ours, because it keeps its ticks in memory and cannot see ours.

create table if not exists ${schema}.scheduled_jobs (
  id bigserial primary key,
  database_id uuid not null,
  queue_name text,
  task_identifier text not null,
  payload json default '{}'::json not null,
  priority int default 0 not null,
  max_attempts int default 25 not null,
  key text,
  locked_at timestamptz,
  locked_by text,
  schedule_info json not null,
  last_scheduled timestamptz,
  last_scheduled_id bigint,
  check (length(key) < 513),
  check (length(task_identifier) < 127),
  check (max_attempts > 0),
  check (length(queue_name) < 127),
  check (length(locked_by) > 3)
);

drop trigger if exists _900_notify_scheduled_job on ${schema}.scheduled_jobs;

alter table ${schema}.scheduled_jobs
  alter column queue_name drop default,
  add column next_tick_at timestamptz,
  add column last_error text;

comment on column ${schema}.scheduled_jobs.next_tick_at is
  'The next due moment; null until a scheduler has planned it, infinity when the rule has no further one.';
comment on column ${schema}.scheduled_jobs.last_error is
  'Why the schedule is parked: its rule could not be read. Changing schedule_info clears it.';

alter table ${schema}.scheduled_jobs drop constraint if exists scheduled_jobs_key_key;
create unique index scheduled_jobs_key_idx on ${schema}.scheduled_jobs (database_id, key)
  where key is not null;
drop index if exists ${schema}.scheduled_jobs_priority_id_idx;
drop index if exists ${schema}.scheduled_jobs_locked_by_idx;
create index scheduled_jobs_next_tick_idx on ${schema}.scheduled_jobs (next_tick_at);

-- Promise 5 as a constraint: a moment of a schedule is taken once.
create table ${schema}.schedule_ticks (
  schedule_id bigint not null references ${schema}.scheduled_jobs (id) on delete cascade,
  tick timestamptz not null,
  job_id bigint,
  taken_at timestamptz not null default now(),
  primary key (schedule_id, tick)
);

comment on column ${schema}.schedule_ticks.job_id is
  'The job made for this moment; null when the previous one had not finished.';

do $$
begin
  if exists (select 1 from pg_catalog.pg_roles r where r.rolname = 'administrator') then
    grant select, insert, update, delete on ${schema}.scheduled_jobs to administrator;
    grant usage on sequence ${schema}.scheduled_jobs_id_seq to administrator;
    grant select on ${schema}.schedule_ticks to administrator;
  end if;
end;
$$;
