-- How a schedule treats missed ticks and overlap, jitter, and pauses. What was there before keeps its behaviour. A
-- scheduler of before can run beside ours, but knows no pause, makes one job of missed ticks, and ignores what else is new
-- here.

alter table ${schema}.scheduled_jobs
  add column missed_ticks text not null default 'latest',
  add column missed_ticks_max int not null default 100,
  add column overlap text not null default 'skip',
  add column jitter interval not null default '0',
  add column paused_at timestamptz,
  add column paused_by text,
  add constraint scheduled_jobs_missed_ticks_check check (missed_ticks in ('skip', 'latest', 'all')),
  add constraint scheduled_jobs_missed_ticks_max_check check (missed_ticks_max between 1 and 1000),
  add constraint scheduled_jobs_overlap_check check (overlap in ('skip', 'allow')),
  add constraint scheduled_jobs_all_overlap_check check (missed_ticks <> 'all' or overlap = 'allow'),
  add constraint scheduled_jobs_jitter_check check (jitter between interval '0' and interval '1 day');

comment on column ${schema}.scheduled_jobs.missed_ticks is
  'What becomes of ticks that no scheduler took in time: skip, latest (one job for the last of them), or all.';
comment on column ${schema}.scheduled_jobs.missed_ticks_max is
  'With missed_ticks all: how many are made up for at most, the latest ones.';
comment on column ${schema}.scheduled_jobs.overlap is
  'skip: a tick makes no job while the schedule''s last one has not ended. allow: each tick makes one.';
comment on column ${schema}.scheduled_jobs.jitter is
  'The jobs of ticks are due at random within this time after them.';
comment on column ${schema}.scheduled_jobs.paused_at is
  'Since when the schedule rests; its next tick is null meanwhile, and what would have been ticks never were.';

-- New arguments at the end; calls that know the old ones go on working.
drop function if exists ${schema}.add_scheduled_job(uuid, text, json, json, text, text, int, int);
drop function if exists ${schema}.run_schedule_tick(bigint, timestamptz, timestamptz);

drop trigger plan_schedule on ${schema}.scheduled_jobs;
create trigger plan_schedule
  before insert or update of schedule_info, paused_at on ${schema}.scheduled_jobs
  for each row execute function ${schema}.tg_plan_schedule();

drop trigger notify_scheduled_jobs on ${schema}.scheduled_jobs;
create trigger notify_scheduled_jobs
  after insert or update of schedule_info, paused_at on ${schema}.scheduled_jobs
  for each statement execute function ${schema}.do_notify('scheduled_jobs:insert');
