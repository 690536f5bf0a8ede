-- Makes the group roles where they are missing and may be made, and gives each what it needs, no more; runs after every
-- migration and may be run again.
--   postern_worker  what job-service does: every function, every table; log in with a member of it where the service shall
--                   not be the owner
--   postern_tenant  a tenant's own jobs: add, cancel, explain, replay, schedule; sees its own rows
-- Nobody else may call anything, except the owner, administrator (Constructive's role) and roles that the site has let
-- into the schema, which keep the functions of 0.15. Locks: a transaction lock, so that callers come one
-- after the other, and the catalogue's for a moment.
create or replace function ${schema}.grant_roles() returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  group_role text;
  secured text;
  callable record;
  let_in record;
begin
  -- Several migrators may be here at once, and grants of two transactions do not go together.
  perform pg_advisory_xact_lock(hashtextextended('${schema}.grant_roles', 0));
  foreach group_role in array array['postern_worker', 'postern_tenant'] loop
    begin
      if to_regrole(group_role) is null then
        execute format('create role %I nologin', group_role);
      end if;
    exception
      when duplicate_object or unique_violation then
        null;
      when insufficient_privilege then
        raise notice 'role % is missing and % may not create it; where it is wanted, create it and migrate again',
          group_role, current_user;
    end;
  end loop;

  execute 'revoke execute on all functions in schema ${schema} from public';
  -- Row-level security asks these for whoever reads.
  execute 'grant execute on function ${schema}.caller_tenant(), ${schema}.current_database_id(), ${schema}.uuid_of(text) to public';

  if to_regrole('postern_worker') is not null then
    execute 'grant usage on schema ${schema} to postern_worker';
    execute 'grant execute on all functions in schema ${schema} to postern_worker';
    execute 'grant select, insert, update, delete on all tables in schema ${schema} to postern_worker';
    execute 'grant usage on all sequences in schema ${schema} to postern_worker';
    execute 'grant select, update on sequence ${schema}.awake_until to postern_worker';
  end if;
  if to_regrole('postern_tenant') is not null then
    execute 'grant usage on schema ${schema} to postern_tenant';
  end if;

  foreach secured in array array['jobs', 'job_history', 'scheduled_jobs', 'audit_log', 'idempotency_keys', 'task_schemas'] loop
    -- A policy that is plainly true is folded away, and with it what would keep a claim from its indexes.
    foreach group_role in array array['postern_worker', 'administrator'] loop
      execute format('drop policy if exists %I on ${schema}.%I', 'all_of_' || group_role, secured);
      if to_regrole(group_role) is not null then
        execute format(
          'create policy %I on ${schema}.%I to %I using (true)', 'all_of_' || group_role, secured, group_role);
      end if;
    end loop;
    -- Answers are a user's and not the tenant's; the functions that read them ask for both.
    if to_regrole('postern_tenant') is not null and secured <> 'idempotency_keys' then
      execute format('grant select on ${schema}.%I to postern_tenant', secured);
    end if;
  end loop;
  if to_regrole('postern_tenant') is not null then
    execute 'grant select on ${schema}.dead_letters, ${schema}.api_live_jobs, ${schema}.api_ended_jobs, ${schema}.api_jobs'
      ' to postern_tenant';
  end if;
  -- The HTTP API runs each request as postern_tenant. Who may become it and does not have its rights otherwise stays
  -- unbound; before 16 a member has them all the time unless it is a superuser, so there the site has to decide.
  if to_regrole('postern_tenant') is not null and current_setting('server_version_num')::int >= 160000 then
    foreach group_role in array array['postern_worker', current_user::text] loop
      begin
        -- Roles belong to all databases of the server: granting what is there would meet another migrator's grant.
        if exists (
          select 1 from pg_catalog.pg_roles r
          where r.rolname = group_role and not r.rolsuper and not exists (
            select 1 from pg_catalog.pg_auth_members m
            where m.member = r.oid and m.roleid = to_regrole('postern_tenant')))
        then
          execute format('grant postern_tenant to %I with inherit false, set true', group_role);
        end if;
      exception
        when unique_violation then
          null;
        when insufficient_privilege then
          raise notice 'role % may not become postern_tenant, which the HTTP API needs; grant it "with inherit false"',
            group_role;
      end;
    end loop;
  end if;

  for callable in
    select
      p.oid::regprocedure as signature,
      -- Each of these asks require_tenant, or reads under row-level security.
      p.proname = any (array[
        'add_job', 'add_jobs', 'add_scheduled_job', 'cancel_job', 'cancel_jobs', 'replay_jobs', 'replay_dead_letters',
        'explain_job', 'job_state', 'pause_schedule', 'resume_schedule', 'run_schedule', 'delete_schedule',
        'replace_schedule', 'schedule_state', 'job_document', 'job_summary', 'json_time', 'list_jobs', 'require_tenant',
        'retry_job', 'record_change', 'begin_request', 'end_request', 'schedule_document', 'set_task_schema', 'delete_task_schema',
        'task_schema_document', 'pause_jobs', 'resume_jobs', 'summarize_jobs', 'purge_jobs', 'audit_document',
        'lock_schedule', 'session_context']) as for_tenants,
      p.proname = any (array[
        'add_job', 'add_scheduled_job', 'complete_job', 'complete_jobs', 'do_notify', 'fail_job', 'get_job',
        'get_scheduled_job', 'json_build_object_apply', 'permanently_fail_jobs', 'release_jobs',
        'release_scheduled_jobs', 'reschedule_jobs', 'run_scheduled_job', 'tg_add_job_with_row',
        'tg_add_job_with_row_id', 'tg_update_timestamps', 'trigger_job_with_fields']) as of_015
    from pg_catalog.pg_proc p
    where p.pronamespace = to_regnamespace('${schema}')
  loop
    if callable.for_tenants and to_regrole('postern_tenant') is not null then
      execute format('grant execute on function %s to postern_tenant', callable.signature);
    end if;
    continue when not callable.of_015;
    for let_in in
      select distinct acl.grantee
      from pg_catalog.pg_namespace n
      cross join lateral aclexplode(n.nspacl) as acl
      where n.nspname = '${schema}'
        and acl.privilege_type = 'USAGE'
        and acl.grantee <> n.nspowner
        and acl.grantee is distinct from to_regrole('postern_tenant')::oid
    loop
      execute format('grant execute on function %s to %s', callable.signature,
        case when let_in.grantee = 0 then 'public' else let_in.grantee::regrole::text end);
    end loop;
  end loop;
end;
$$;
