-- Triggers of both tables. Their functions are repeatable files and may not exist yet when this runs in an empty
-- database, so each is made here as an empty shell that its file replaces.

create or replace function ${schema}.tg_notify_jobs() returns trigger language plpgsql as 'begin return null; end';
create or replace function ${schema}.tg_update_timestamps() returns trigger language plpgsql as 'begin return new; end';
create or replace function ${schema}.tg_mark_dead_letter() returns trigger language plpgsql as 'begin return new; end';
create or replace function ${schema}.tg_plan_schedule() returns trigger language plpgsql as 'begin return new; end';
create or replace function ${schema}.tg_mark_due() returns trigger language plpgsql as 'begin return new; end';
create or replace function ${schema}.do_notify() returns trigger language plpgsql as 'begin return null; end';

-- One NOTIFY a statement, however many rows it inserts.
create trigger notify_jobs
  after insert on ${schema}.jobs
  referencing new table as inserted
  for each statement execute function ${schema}.tg_notify_jobs();

-- A plain job is due and costs the comparison only.
create trigger mark_due_on_insert
  before insert on ${schema}.jobs
  for each row when (new.due is distinct from (new.run_at <= now()))
  execute function ${schema}.tg_mark_due();
create trigger mark_due_on_update
  before update of run_at on ${schema}.jobs
  for each row when (new.due is distinct from (new.run_at <= now()))
  execute function ${schema}.tg_mark_due();

-- Our own functions set updated_at; the call is only for other people's updates.
create trigger update_timestamps
  before update on ${schema}.jobs
  for each row when (new.updated_at is not distinct from old.updated_at)
  execute function ${schema}.tg_update_timestamps();

-- Called only when a job becomes a dead letter or ceases to be one, whichever statement does it.
create trigger mark_dead_letter
  before insert or update on ${schema}.jobs
  for each row when ((new.locked_at is null and new.attempts >= new.max_attempts) <> (new.died_at is not null))
  execute function ${schema}.tg_mark_dead_letter();

create trigger plan_schedule
  before insert or update of schedule_info on ${schema}.scheduled_jobs
  for each row execute function ${schema}.tg_plan_schedule();

create trigger notify_scheduled_jobs
  after insert or update of schedule_info on ${schema}.scheduled_jobs
  for each statement execute function ${schema}.do_notify('scheduled_jobs:insert');
