-- JSON Schemas that the HTTP API holds payloads against before it adds a job. A new table only; old workers do not know it.
-- Locks: none on what was there.
create table ${schema}.task_schemas (
  database_id uuid not null,
  task_identifier text not null,
  schema json not null,
  version bigint generated always as identity,
  updated_at timestamptz not null default now(),
  updated_by text not null,
  primary key (database_id, task_identifier)
);

comment on table ${schema}.task_schemas is
  'What payloads must be like that come through the HTTP API. The rows of tenant 00000000-0000-0000-0000-000000000000'
  ' speak for every tenant that has none of its own for the task.';
comment on column ${schema}.task_schemas.version is 'Another one after each change, and never the same again.';

alter table ${schema}.task_schemas enable row level security;
-- What speaks for every tenant, every tenant may read. Nobody writes but set_task_schema and delete_task_schema.
create policy own_tenant on ${schema}.task_schemas using (
  coalesce(database_id in ((select ${schema}.caller_tenant()), '00000000-0000-0000-0000-000000000000'),
    (select ${schema}.caller_tenant()) is null));
