-- Builds the jobs table in an empty database, or adopts one that pgpm-database-jobs 0.15 made: ids, rows and callers'
-- SQL stay as they are. Workers of 0.15 can live with the result: the functions they call keep their signatures.
-- Locks: access exclusive on jobs and job_queues for the length of the migration.

-- An extension owns what its script made and would refuse every change below. Its members become ordinary objects; the
-- extension stays listed, so that a deploy script's "create extension if not exists" goes on finding it.
do $$
declare
  member record;
begin
  for member in
    select d.classid, d.objid, e.oid as extension, identified.type, identified.identity
    from pg_catalog.pg_extension e
    join pg_catalog.pg_depend d
      on d.refclassid = 'pg_catalog.pg_extension'::regclass and d.refobjid = e.oid and d.deptype = 'e'
    cross join lateral pg_catalog.pg_identify_object(d.classid, d.objid, d.objsubid) as identified
    where e.extname = 'pgpm-database-jobs'
      and identified.type in ('table', 'sequence', 'function', 'schema', 'type')
      -- Only what this migration changes: the jobs may be asked for in another schema, beside the extension's.
      and '${schema}' in (identified.schema, identified.name)
    order by identified.type = 'type'
  loop
    -- A table takes its row types out with it.
    continue when not exists (
      select 1 from pg_catalog.pg_depend d
      where d.classid = member.classid and d.objid = member.objid and d.deptype = 'e'
        and d.refclassid = 'pg_catalog.pg_extension'::regclass and d.refobjid = member.extension);
    execute format('alter extension "pgpm-database-jobs" drop %s %s', member.type, member.identity);
  end loop;
end;
$$;

create table if not exists ${schema}.jobs (
  id bigserial primary key,
  database_id uuid not null,
  queue_name text,
  task_identifier text not null,
  payload json default '{}'::json not null,
  priority int default 0 not null,
  run_at timestamptz default now() not null,
  attempts int default 0 not null,
  max_attempts int default 25 not null,
  key text,
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

-- Of 0.15: a NOTIFY per row, a counter row per queue that serialises its writers, timestamps by a call per row.
drop trigger if exists _900_notify_worker on ${schema}.jobs;
drop trigger if exists _500_increase_job_queue_count_on_insert on ${schema}.jobs;
drop trigger if exists _500_increase_job_queue_count_on_update on ${schema}.jobs;
drop trigger if exists decrease_job_queue_count_on_delete on ${schema}.jobs;
drop trigger if exists decrease_job_queue_count_on_update on ${schema}.jobs;
drop trigger if exists _100_update_jobs_modtime_tg on ${schema}.jobs;
drop function if exists ${schema}.tg_increase_job_queue_count();
drop function if exists ${schema}.tg_decrease_job_queue_count();

-- add_job gains trailing arguments; beside the old signature every call would be ambiguous.
drop function if exists ${schema}.add_job(uuid, text, json, text, text, timestamptz, int, int);

-- 0.15 gave each raw insert a random queue of its own; no queue says the same and costs nothing.
alter table ${schema}.jobs
  alter column queue_name drop default,
  add column actor_id uuid,
  add column entity_id uuid,
  add column request_id text,
  add column traceparent text,
  add column lease_expires_at timestamptz,
  add column lease_token uuid,
  add column infra_failures int default 0 not null,
  add column errors jsonb default '[]'::jsonb not null,
  add column progress jsonb,
  add column waiting_since timestamptz,
  add column superseded_at timestamptz,
  add column due boolean default true not null,
  add column died_at timestamptz,
  add column replayed_at timestamptz,
  add column replayed_by text;

comment on column ${schema}.jobs.attempts is 'Attempts charged so far, the running one included.';
comment on column ${schema}.jobs.locked_at is 'When the job was claimed; null when no lease is held.';
comment on column ${schema}.jobs.lease_token is 'Fence: made anew by each claim, shown by whoever ends or renews the attempt.';
comment on column ${schema}.jobs.lease_expires_at is 'From then on the job may be reaped. Not indexed, so that a renewal is a HOT update.';
comment on column ${schema}.jobs.infra_failures is 'Attempts that failed before or beside the function: no connection, lost worker.';
comment on column ${schema}.jobs.errors is 'The last 20 failed attempts, oldest first.';
comment on column ${schema}.jobs.superseded_at is 'When a newer job took over its key while it ran: it is not tried again.';
comment on column ${schema}.jobs.due is
  'False until a claim has noticed that run_at has come. Kept by a trigger and by promote_due_jobs; not for callers.';
comment on column ${schema}.jobs.died_at is
  'When the job became a dead letter; null for all others. Kept by the trigger mark_dead_letter, whoever changes the row.';
comment on column ${schema}.jobs.replayed_at is 'When the job was last replayed, having been a dead letter.';
comment on column ${schema}.jobs.replayed_by is 'Who did that.';
comment on column ${schema}.jobs.waiting_since is 'When the function answered 202 and took over the lease; null while a worker holds it.';

-- A lock of 0.15 ends after 4 hours. Those that have ended are released, and of two that claim the same queue (the
-- older one has ended for its worker too) the older one.
update ${schema}.jobs j
set locked_at = null, locked_by = null
where j.locked_at < now() - interval '4 hours'
  or (j.locked_at is not null and j.queue_name is not null and exists (
    select 1 from ${schema}.jobs newer
    where newer.database_id = j.database_id and newer.queue_name = j.queue_name and newer.locked_at is not null
      and (newer.locked_at, newer.id) > (j.locked_at, j.id)));

update ${schema}.jobs j
set due = false
where j.run_at > now();

update ${schema}.jobs j
set lease_token = gen_random_uuid(), lease_expires_at = j.locked_at + interval '4 hours'
where j.locked_at is not null;

-- The trigger that keeps died_at comes later; 0.15 left no better trace of the moment than this.
update ${schema}.jobs j
set died_at = coalesce(j.updated_at, now())
where j.locked_at is null and j.attempts >= j.max_attempts;

drop index if exists ${schema}.priority_run_at_id_idx;
drop index if exists ${schema}.jobs_locked_by_idx;
alter table ${schema}.jobs drop constraint if exists jobs_key_key;

-- What may be claimed, what will be, and what is: a row stands in one of them at a time, so that a claim meets neither
-- future nor leased nor dead rows, and enters only the lanes (a tenant's task, a tenant's queue) that it may take from.
create index jobs_ready_idx on ${schema}.jobs (database_id, task_identifier, priority, run_at, id)
  where due and queue_name is null and locked_at is null and attempts < max_attempts;
-- By a hash of the name, so that the claim can enter anywhere among the queues: no name is better off than another.
create index jobs_queue_ready_idx on ${schema}.jobs
  (database_id, hashtextextended(queue_name, 0), priority, run_at, id)
  where due and queue_name is not null and locked_at is null and attempts < max_attempts;
create index jobs_future_idx on ${schema}.jobs (run_at)
  where not due and locked_at is null and attempts < max_attempts;
create index jobs_queue_future_idx on ${schema}.jobs (database_id, hashtextextended(queue_name, 0), run_at)
  where not due and queue_name is not null and locked_at is null and attempts < max_attempts;
create index jobs_leased_idx on ${schema}.jobs (database_id, task_identifier)
  where locked_at is not null;
-- Promise 4 as a constraint: no two jobs of a queue are leased at once, whatever a function forgets.
create unique index jobs_queue_leased_idx on ${schema}.jobs (database_id, queue_name)
  where queue_name is not null and locked_at is not null;
-- Dead letters by age, for listing, replaying and purging them in batches. Live rows are not in it: nothing that claims,
-- renews or ends an attempt touches died_at, so renewals stay HOT.
create index jobs_dead_idx on ${schema}.jobs (died_at, id)
  where died_at is not null;
-- A key belongs to its tenant.
create unique index jobs_key_idx on ${schema}.jobs (database_id, key)
  where key is not null;

-- The table lives on turnover: vacuum early, and leave room for renewals on the same page.
alter table ${schema}.jobs set (
  fillfactor = 85,
  autovacuum_vacuum_scale_factor = 0.02,
  autovacuum_analyze_scale_factor = 0.05
);

-- In 0.15 a table kept by triggers; its columns are now read off the jobs themselves and cannot be wrong.
drop table if exists ${schema}.job_queues;
create view ${schema}.job_queues as
select
  j.queue_name,
  count(*)::int as job_count,
  max(j.locked_at) as locked_at,
  max(j.locked_by) as locked_by
from ${schema}.jobs j
where j.queue_name is not null
group by j.queue_name;

comment on view ${schema}.job_queues is 'Named queues that have jobs: how many, and which worker holds the running one.';

create view ${schema}.dead_letters as
select
  j.id,
  j.database_id,
  j.task_identifier,
  j.queue_name,
  j.key,
  j.payload,
  j.attempts,
  j.max_attempts,
  j.infra_failures,
  j.last_error,
  j.errors,
  j.died_at,
  j.created_at,
  j.superseded_at,
  j.replayed_at,
  j.replayed_by
from ${schema}.jobs j
where j.died_at is not null;

comment on view ${schema}.dead_letters is
  'Jobs that will not be tried any more, with the errors of their attempts; replay_jobs and replay_dead_letters revive them.';

do $$
begin
  if exists (select 1 from pg_catalog.pg_roles r where r.rolname = 'administrator') then
    grant usage on schema ${schema} to administrator;
    alter default privileges in schema ${schema} grant execute on functions to administrator;
    grant select, insert, update, delete on ${schema}.jobs to administrator;
    grant usage on sequence ${schema}.jobs_id_seq to administrator;
    grant select on ${schema}.job_queues, ${schema}.dead_letters to administrator;
  end if;
end;
$$;
