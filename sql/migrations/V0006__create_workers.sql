-- What workers say of themselves, for people: nothing that is claimed, leased or ended reads it. Older workers do not
-- know the table and live without it.
create table ${schema}.workers (
  worker_id text primary key,
  started_at timestamptz not null,
  seen_at timestamptz not null,
  tasks text[],
  slots int not null,
  running int not null,
  targets jsonb not null
);

comment on table ${schema}.workers is 'Workers that have reported in the last minutes, written by report_worker.';
comment on column ${schema}.workers.tasks is 'The task identifiers that it takes; null for all.';
comment on column ${schema}.workers.targets is 'Targets that it sends less to than it could, as they were at seen_at.';
