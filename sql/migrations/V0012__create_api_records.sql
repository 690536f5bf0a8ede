-- What the HTTP API keeps beside jobs: who changed what, and the answers to requests that may be sent again. New tables
-- only; old workers do not know them. Locks: none on what was there.

create table ${schema}.audit_log (
  id bigint generated always as identity primary key,
  at timestamptz not null default now(),
  database_id uuid not null,
  actor_id uuid,
  actor text not null,
  action text not null,
  target text not null,
  request_id text,
  traceparent text,
  details jsonb not null default '{}'::jsonb
);

comment on table ${schema}.audit_log is 'Every change that came through the HTTP API, written in its transaction.';
comment on column ${schema}.audit_log.actor is 'The user as the token named it.';
comment on column ${schema}.audit_log.target is 'What was changed, such as job/12.';

create index audit_log_tenant_idx on ${schema}.audit_log (database_id, id desc);

create table ${schema}.idempotency_keys (
  database_id uuid not null,
  actor_id uuid not null,
  key text not null,
  request_hash text not null,
  answer json,
  created_at timestamptz not null default now(),
  primary key (database_id, actor_id, key)
);

comment on table ${schema}.idempotency_keys is 'Answers to requests with an Idempotency-Key, for a day.';
comment on column ${schema}.idempotency_keys.answer is 'Null only within the transaction of the first request.';

create index idempotency_keys_created_idx on ${schema}.idempotency_keys (created_at);

do $$
declare
  secured text;
begin
  foreach secured in array array['audit_log', 'idempotency_keys'] loop
    execute format('alter table ${schema}.%I enable row level security', secured);
    execute format(
      'create policy own_tenant on ${schema}.%I using (coalesce(database_id = (select ${schema}.caller_tenant()), true))',
      secured);
  end loop;
end;
$$;
