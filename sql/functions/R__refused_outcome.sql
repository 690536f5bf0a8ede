-- Why an outcome was refused, for the answer to whoever offered it:
--   replay     this attempt ended that way already (success or failure), whatever became of the job since
--   conflict   this attempt ended the other way
--   cancelled  the job was cancelled
--   stale      the attempt was superseded: its lease expired or the job was claimed again
--   unknown    there is no such job, or its history has been dropped
-- Locks: none. Volatile, to see what the calling function's own statements did.
create or replace function ${schema}.refused_outcome(job_id bigint, lease uuid, outcome text) returns text
language plpgsql volatile
set search_path = pg_catalog, pg_temp
set enable_seqscan = off
set jit = off
as $$
declare
  ended record;
  failed_attempts jsonb;
begin
  select h.state, h.lease_token, h.errors into ended
  from ${schema}.job_history h
  where h.id = refused_outcome.job_id
  order by h.finished_at desc
  limit 1;
  if found then
    if ended.state = 'cancelled' then
      return 'cancelled';
    end if;
    if ended.lease_token is not distinct from refused_outcome.lease then
      return case when refused_outcome.outcome in ('complete', 'wait') then 'replay' else 'conflict' end;
    end if;
    failed_attempts := ended.errors;
  else
    select j.errors into failed_attempts from ${schema}.jobs j where j.id = refused_outcome.job_id;
    if not found then
      return 'unknown';
    end if;
  end if;

  if exists (
    select 1 from jsonb_array_elements(failed_attempts) as e
    where e ->> 'lease' = refused_outcome.lease::text and e ->> 'outcome' <> 'expired')
  then
    return case when refused_outcome.outcome = 'complete' then 'conflict' else 'replay' end;
  end if;
  return 'stale';
end;
$$;
