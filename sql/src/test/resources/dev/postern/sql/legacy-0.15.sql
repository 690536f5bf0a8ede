-- The shape of pgpm-database-jobs 0.15 (tables, constraints, triggers, indexes, signatures) with bodies of our own that
-- do as little as the tests need. It stands in for the published SQL where that is not at hand.

create schema if not exists app_jobs;
grant usage on schema app_jobs to administrator;
alter default privileges in schema app_jobs grant execute on functions to administrator;

create table app_jobs.job_queues (
  queue_name text not null primary key,
  job_count int default 0 not null,
  locked_at timestamptz,
  locked_by text
);
create index job_queues_locked_by_idx on app_jobs.job_queues (locked_by);
grant select, insert, update, delete on app_jobs.job_queues to administrator;

create table app_jobs.jobs (
  id bigserial primary key,
  database_id uuid not null,
  queue_name text default gen_random_uuid()::text,
  task_identifier text not null,
  payload json default '{}' not null,
  priority int default 0 not null,
  run_at timestamptz default now() not null,
  attempts int default 0 not null,
  max_attempts int default 25 not null,
  key text unique,
  last_error text,
  locked_at timestamptz,
  locked_by text,
  created_at timestamptz default now(),
  updated_at timestamptz default now(),
  check (length(key) < 513),
  check (length(task_identifier) < 127),
  check (max_attempts > 0),
  check (length(queue_name) < 127),
  check (length(locked_by) > 3)
);
create index priority_run_at_id_idx on app_jobs.jobs (priority, run_at, id);
create index jobs_locked_by_idx on app_jobs.jobs (locked_by);
grant select, insert, update, delete on app_jobs.jobs to administrator;

create table app_jobs.scheduled_jobs (
  id bigserial primary key,
  database_id uuid not null,
  queue_name text default gen_random_uuid()::text,
  task_identifier text not null,
  payload json default '{}' not null,
  priority int default 0 not null,
  max_attempts int default 25 not null,
  key text unique,
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
create index scheduled_jobs_priority_id_idx on app_jobs.scheduled_jobs (priority, id);
create index scheduled_jobs_locked_by_idx on app_jobs.scheduled_jobs (locked_by);
grant select, insert, update, delete on app_jobs.scheduled_jobs to administrator;

create function app_jobs.do_notify() returns trigger language plpgsql as
  'begin perform pg_notify(tg_argv[0], null); return new; end';
create function app_jobs.tg_update_timestamps() returns trigger language plpgsql as
  'begin new.updated_at := now(); return new; end';
create function app_jobs.tg_increase_job_queue_count() returns trigger language plpgsql as
  'begin
     insert into app_jobs.job_queues as q values (new.queue_name, 1)
     on conflict (queue_name) do update set job_count = q.job_count + 1;
     return new;
   end';
create function app_jobs.tg_decrease_job_queue_count() returns trigger language plpgsql as
  'begin
     update app_jobs.job_queues q set job_count = q.job_count - 1 where q.queue_name = old.queue_name;
     return old;
   end';

create trigger _100_update_jobs_modtime_tg before insert or update on app_jobs.jobs
  for each row execute function app_jobs.tg_update_timestamps();
create trigger _500_increase_job_queue_count_on_insert after insert on app_jobs.jobs
  for each row when (new.queue_name is not null) execute function app_jobs.tg_increase_job_queue_count();
create trigger _500_increase_job_queue_count_on_update after update of queue_name on app_jobs.jobs
  for each row when (new.queue_name is distinct from old.queue_name and new.queue_name is not null)
  execute function app_jobs.tg_increase_job_queue_count();
create trigger decrease_job_queue_count_on_delete after delete on app_jobs.jobs
  for each row when (old.queue_name is not null) execute function app_jobs.tg_decrease_job_queue_count();
create trigger decrease_job_queue_count_on_update after update of queue_name on app_jobs.jobs
  for each row when (new.queue_name is distinct from old.queue_name and old.queue_name is not null)
  execute function app_jobs.tg_decrease_job_queue_count();
create trigger _900_notify_worker after insert on app_jobs.jobs
  for each row execute function app_jobs.do_notify('jobs:insert');
create trigger _900_notify_scheduled_job after insert on app_jobs.scheduled_jobs
  for each row execute function app_jobs.do_notify('scheduled_jobs:insert');

create function app_jobs.add_job(
  db_id uuid, identifier text, payload json default '{}', job_key text default null, queue_name text default null,
  run_at timestamptz default now(), max_attempts int default 25, priority int default 0) returns app_jobs.jobs
language sql security definer as
  'insert into app_jobs.jobs (database_id, task_identifier, payload, key, queue_name, run_at, max_attempts, priority)
   values ($1, $2, $3, $4, $5, $6, $7, $8) returning *';
create function app_jobs.add_scheduled_job(
  db_id uuid, identifier text, payload json default '{}', schedule_info json default '{}', job_key text default null,
  queue_name text default null, max_attempts int default 25, priority int default 0) returns app_jobs.scheduled_jobs
language sql security definer as
  'insert into app_jobs.scheduled_jobs
     (database_id, task_identifier, payload, schedule_info, key, queue_name, max_attempts, priority)
   values ($1, $2, $3, $4, $5, $6, $7, $8) returning *';
create function app_jobs.get_job(worker_id text, task_identifiers text[] default null,
  job_expiry interval default '4 hours') returns app_jobs.jobs language sql as
  'update app_jobs.jobs set locked_at = now(), locked_by = $1, attempts = attempts + 1
   where id = (select min(id) from app_jobs.jobs where locked_at is null) returning *';
create function app_jobs.get_scheduled_job(worker_id text, task_identifiers text[] default null)
  returns app_jobs.scheduled_jobs language sql as
  'update app_jobs.scheduled_jobs set locked_at = now(), locked_by = $1
   where id = (select min(id) from app_jobs.scheduled_jobs where locked_at is null) returning *';
create function app_jobs.complete_job(worker_id text, job_id bigint) returns app_jobs.jobs language sql as
  'delete from app_jobs.jobs where id = $2 returning *';
create function app_jobs.fail_job(worker_id text, job_id bigint, error_message text) returns app_jobs.jobs
  language sql strict as
  'update app_jobs.jobs set last_error = $3, locked_at = null, locked_by = null where id = $2 returning *';
create function app_jobs.complete_jobs(job_ids bigint[]) returns setof app_jobs.jobs language sql as
  'delete from app_jobs.jobs where id = any ($1) returning *';
create function app_jobs.permanently_fail_jobs(job_ids bigint[], error_message text default null)
  returns setof app_jobs.jobs language sql as
  'update app_jobs.jobs set attempts = max_attempts, last_error = $2 where id = any ($1) returning *';
create function app_jobs.reschedule_jobs(job_ids bigint[], run_at timestamptz default null, priority int default null,
  attempts int default null, max_attempts int default null) returns setof app_jobs.jobs language sql as
  'update app_jobs.jobs j set run_at = coalesce($2, j.run_at) where id = any ($1) returning *';
create function app_jobs.release_jobs(worker_id text) returns void language plpgsql as
  'begin update app_jobs.jobs j set locked_at = null, locked_by = null where j.locked_by = $1; end';
create function app_jobs.release_scheduled_jobs(worker_id text, ids bigint[] default null) returns void
  language plpgsql as
  'begin update app_jobs.scheduled_jobs s set locked_at = null, locked_by = null where s.locked_by = $1; end';
create function app_jobs.run_scheduled_job(id bigint, job_expiry interval default '1 hours') returns app_jobs.jobs
  language plpgsql as 'begin raise exception ''ALREADY_SCHEDULED''; end';
create function app_jobs.json_build_object_apply(arguments text[]) returns json language plpgsql as
  'begin return json_object($1); end';
create function app_jobs.tg_add_job_with_row() returns trigger language plpgsql security definer as
  'begin return new; end';
create function app_jobs.tg_add_job_with_row_id() returns trigger language plpgsql security definer as
  'begin return new; end';
create function app_jobs.trigger_job_with_fields() returns trigger language plpgsql security definer as
  'begin return new; end';
