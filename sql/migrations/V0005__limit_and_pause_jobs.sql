-- What operators set for tasks, tenants and queues: limits, weights, pauses, retry policies. New tables only; a claim
-- that finds them empty pays two look-ups. Workers of 0.15 claim by get_job and obey them too.

create table ${schema}.task_settings (
  task_identifier text primary key,
  paused_at timestamptz,
  paused_by text,
  max_running int check (max_running > 0),
  rate_per_second double precision check (rate_per_second > 0),
  rate_burst int check (rate_burst > 0),
  tokens double precision,
  tokens_at timestamptz,
  retry_first interval check (retry_first > interval '0'),
  retry_factor double precision check (retry_factor >= 1),
  retry_most interval check (retry_most > interval '0'),
  retry_jitter text check (retry_jitter in ('full', 'half', 'none'))
) with (fillfactor = 50);

comment on column ${schema}.task_settings.paused_at is 'Set by pause_jobs: nothing of the task is claimed.';
comment on column ${schema}.task_settings.max_running is 'Jobs of the task that may run or wait at once, over all tenants and workers.';
comment on column ${schema}.task_settings.rate_per_second is 'Claims a second that the task''s bucket is refilled with; null for no rate limit.';
comment on column ${schema}.task_settings.rate_burst is 'What the bucket holds; null for the rate itself, at least 1.';
comment on column ${schema}.task_settings.tokens is 'What the bucket held at tokens_at. Kept by claims.';
comment on column ${schema}.task_settings.retry_first is 'Delay after the first failed attempt; null for e seconds.';
comment on column ${schema}.task_settings.retry_factor is 'By what the delay grows from attempt to attempt; null for e.';
comment on column ${schema}.task_settings.retry_most is 'The delay''s upper bound; null for 6 h.';
comment on column ${schema}.task_settings.retry_jitter is
  'full: between nothing and the delay. half: between half of it and all. none: the delay itself. Null for full.';

create table ${schema}.tenant_settings (
  database_id uuid primary key,
  paused_at timestamptz,
  paused_by text,
  weight double precision check (weight > 0),
  max_running int check (max_running > 0),
  rate_per_second double precision check (rate_per_second > 0),
  rate_burst int check (rate_burst > 0),
  tokens double precision,
  tokens_at timestamptz
) with (fillfactor = 50);

comment on table ${schema}.tenant_settings is
  'Settings of one tenant; where a column is null the row of 00000000-0000-0000-0000-000000000000 speaks for it.';
comment on column ${schema}.tenant_settings.paused_at is 'Set by pause_jobs: nothing of the tenant is claimed.';
comment on column ${schema}.tenant_settings.weight is 'Share of the running jobs while several tenants have due ones; null for 1.';
comment on column ${schema}.tenant_settings.max_running is 'Jobs of the tenant that may run or wait at once; null for no cap.';
comment on column ${schema}.tenant_settings.rate_per_second is 'Claims a second that the tenant''s bucket is refilled with; null for no rate limit.';
comment on column ${schema}.tenant_settings.rate_burst is 'What the bucket holds; null for the rate itself, at least 1.';
comment on column ${schema}.tenant_settings.tokens is 'What the bucket held at tokens_at. Kept by claims.';

create table ${schema}.paused_queues (
  database_id uuid,
  queue_name text,
  paused_at timestamptz not null,
  paused_by text not null,
  primary key (database_id, queue_name)
);

create table ${schema}.priority_classes (
  name text primary key,
  up_to int not null unique,
  weight double precision not null check (weight > 0)
);

comment on table ${schema}.priority_classes is
  'Empty: strict order by priority. Else a job belongs to the class with the smallest up_to that is not below its'
  ' priority (what is above all belongs to the last), and classes with due jobs share the claims by weight.';

-- A changed setting may let jobs go. The claim's own book-keeping (tokens) is no news.
create trigger notify_jobs
  after delete or insert or update of paused_at, max_running, rate_per_second, rate_burst on ${schema}.task_settings
  for each statement execute function ${schema}.do_notify('jobs:insert');
create trigger notify_jobs
  after delete or update of paused_at, weight, max_running, rate_per_second, rate_burst on ${schema}.tenant_settings
  for each statement execute function ${schema}.do_notify('jobs:insert');
create trigger notify_jobs
  after delete on ${schema}.paused_queues
  for each statement execute function ${schema}.do_notify('jobs:insert');

do $$
begin
  if exists (select 1 from pg_catalog.pg_roles r where r.rolname = 'administrator') then
    grant select, insert, update, delete on
      ${schema}.task_settings, ${schema}.tenant_settings, ${schema}.paused_queues, ${schema}.priority_classes
      to administrator;
  end if;
end;
$$;
