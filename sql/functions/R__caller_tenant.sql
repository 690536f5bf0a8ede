-- The tenant that the caller is bound to; null for callers who may act for any. Bound is who has the privileges of the
-- role postern_tenant and is no superuser: whoever has said "set role", else the session's user, also inside functions
-- that run as their owner. A bound caller without a tenant is refused with TENANT_UNKNOWN (PJ004). Locks: none.
create or replace function ${schema}.caller_tenant() returns uuid
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
declare
  tenant uuid;
begin
  if current_setting('is_superuser') = 'on'
    or pg_has_role(
      coalesce(nullif(current_setting('role', true), 'none')::name, session_user),
      to_regrole('postern_tenant')::oid,
      'usage') is not true
  then
    return null;
  end if;
  tenant := ${schema}.current_database_id();
  if tenant is null then
    raise exception 'TENANT_UNKNOWN' using
      errcode = 'PJ004',
      detail = 'The session says for no tenant.',
      hint = 'Set jwt.claims.database_id to the tenant''s id, as in set_config(''jwt.claims.database_id'', ..., true).';
  end if;
  return tenant;
end;
$$;
