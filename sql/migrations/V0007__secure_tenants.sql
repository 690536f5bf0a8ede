-- Row-level security: a tenant sees its own rows. Owner and superusers are not bound by it; workers and whoever else was
-- given the tables see all. Who is a tenant and what it may call is said by grant_roles, which runs after every migration.
-- Old workers log in as before and are not bound.

-- An empty shell that its file replaces; the policies below need it now.
create or replace function ${schema}.caller_tenant() returns uuid language sql stable as 'select null::uuid';

do $$
declare
  secured text;
begin
  foreach secured in array array['jobs', 'job_history', 'scheduled_jobs'] loop
    execute format('alter table ${schema}.%I enable row level security', secured);
    -- The tenant is asked for once a statement, not once a row.
    execute format(
      'create policy own_tenant on ${schema}.%I using (coalesce(database_id = (select ${schema}.caller_tenant()), true))',
      secured);
  end loop;
end;
$$;

-- A view reads as its owner, whom no policy binds.
create or replace view ${schema}.dead_letters as
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
where j.died_at is not null
  and coalesce(j.database_id = (select ${schema}.caller_tenant()), true);
