-- Refuses with TENANT_FORBIDDEN (PJ005) a caller who is bound to another tenant than the given one. Functions that run as
-- their owner and take or look up a tenant call it first, because row-level security does not bind an owner.
-- Locks: none.
create or replace function ${schema}.require_tenant(db_id uuid) returns void
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
begin
  if coalesce(${schema}.caller_tenant() <> require_tenant.db_id, false) then
    raise exception 'TENANT_FORBIDDEN' using
      errcode = 'PJ005',
      detail = format('The session acts for tenant %s, not for %s.', ${schema}.caller_tenant(), require_tenant.db_id),
      hint = 'A role with postern_tenant sees and changes the jobs of its own tenant only.';
  end if;
end;
$$;
