-- A function's sign of life: extends the lease and, when progress is given, stores it with the time as "at". Progress is
-- an object of percent (0 to 100), step and steps (from 0 to, and at least 1) and message (up to 2000 characters), each
-- optional but the two steps only together; other keys are dropped. Within an attempt it goes forwards only: what is
-- left out stays as it was, and a report with a lower percent or step changes nothing but the lease; the claim of a new
-- attempt clears it. A lease never gets shorter this way.
-- The verdict is accepted, or says why not as refused_outcome does. Progress that cannot be is INVALID_ARGUMENT (PJ003).
-- Locks: the job's row; two reports on one attempt are stored one after the other.
create or replace function ${schema}.report_progress(
  job_id bigint,
  attempt int,
  lease_token uuid,
  lease interval,
  progress jsonb default null
) returns table (verdict text, lease_expires_at timestamptz)
language plpgsql
set search_path = pg_catalog, pg_temp
set enable_seqscan = off
set jit = off
set plan_cache_mode = force_generic_plan
as $$
declare
  said jsonb;
  wrong text;
begin
  if jsonb_typeof(report_progress.progress) <> 'object' then
    wrong := 'progress must be an object';
  elsif report_progress.progress is not null then
    select coalesce(jsonb_object_agg(field.key, field.value), '{}'::jsonb) into said
    from jsonb_each(jsonb_strip_nulls(report_progress.progress)) as field
    where field.key in ('percent', 'step', 'steps', 'message');

    if said ? 'percent' and jsonb_typeof(said -> 'percent') <> 'number' then
      wrong := 'percent must be a number';
    elsif (said ->> 'percent')::numeric not between 0 and 100 then
      wrong := 'percent must be from 0 to 100';
    elsif said ? 'step' <> said ? 'steps' then
      wrong := 'step and steps must come together';
    elsif said ? 'step' and (jsonb_typeof(said -> 'step') <> 'number' or jsonb_typeof(said -> 'steps') <> 'number') then
      wrong := 'step and steps must be numbers';
    elsif (said ->> 'step')::numeric % 1 <> 0 or (said ->> 'steps')::numeric % 1 <> 0 then
      wrong := 'step and steps must be whole';
    elsif (said ->> 'steps')::numeric not between 1 and 2147483647 then
      wrong := 'steps must be at least 1';
    elsif (said ->> 'step')::numeric not between 0 and (said ->> 'steps')::numeric then
      wrong := 'step must be from 0 to steps';
    elsif said ? 'message' and (jsonb_typeof(said -> 'message') <> 'string' or length(said ->> 'message') > 2000) then
      wrong := 'message must be a string of at most 2000 characters';
    end if;
  end if;
  if wrong is not null then
    raise exception 'INVALID_ARGUMENT' using
      errcode = 'PJ003',
      detail = format('%s; progress is %s.', wrong, left(report_progress.progress::text, 200)),
      hint = 'For example {"percent": 40, "step": 2, "steps": 6, "message": "sorting rows"}.';
  end if;

  if said ? 'step' then
    -- 2.0 is whole, and no integer to whoever reads it as one.
    said := said || jsonb_build_object('step', (said ->> 'step')::numeric::int, 'steps', (said ->> 'steps')::numeric::int);
  end if;

  return query
  update ${schema}.jobs j
  set lease_expires_at = greatest(j.lease_expires_at, clock_timestamp() + report_progress.lease),
    progress = case
      when said is null then j.progress
      when (said ->> 'percent')::numeric < (j.progress ->> 'percent')::numeric
        or (said ->> 'step')::numeric < (j.progress ->> 'step')::numeric
      then j.progress
      else coalesce(j.progress, '{}'::jsonb) || said || jsonb_build_object('at', clock_timestamp())
    end,
    updated_at = now()
  where j.id = report_progress.job_id
    and j.attempts = report_progress.attempt
    and j.lease_token = report_progress.lease_token
    and j.lease_expires_at > clock_timestamp()
  returning 'accepted', j.lease_expires_at;
  if not found then
    return query
    select
      case when answer.verdict in ('replay', 'conflict') then 'conflict' else answer.verdict end,
      null::timestamptz
    from (
      select ${schema}.refused_outcome(report_progress.job_id, report_progress.lease_token, 'complete') as verdict
    ) as answer;
  end if;
end;
$$;
