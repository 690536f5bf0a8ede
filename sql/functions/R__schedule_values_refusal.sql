-- Why a schedule cannot be as it is asked for; null when it can. Names the value by its argument of add_scheduled_job. A null
-- stands for the default, except for the task. Locks: none.
create or replace function ${schema}.schedule_values_refusal(
  identifier text,
  schedule_info json,
  job_key text,
  queue_name text,
  max_attempts int,
  missed_ticks text,
  missed_ticks_max int,
  overlap text,
  jitter interval
) returns text
language sql stable
set search_path = pg_catalog, pg_temp
as $$
  select case
    when missed_ticks not in ('skip', 'latest', 'all') then
      format('missed_ticks is %L; it is one of skip, latest, all', left(missed_ticks, 100))
    when missed_ticks_max not between 1 and 1000 then
      format('missed_ticks_max is %s; 1 to 1000 are allowed', missed_ticks_max)
    when overlap not in ('skip', 'allow') then format('overlap is %L; it is one of skip, allow', left(overlap, 100))
    when missed_ticks = 'all' and coalesce(overlap, 'skip') = 'skip' then
      'overlap is ''skip'', but missed_ticks ''all'' makes many jobs at once and needs ''allow'''
    when jitter not between interval '0' and interval '1 day' then
      format('jitter is %s; up to a day is allowed', jitter)
    else coalesce(
      ${schema}.job_refusal('{identifier,job_key,queue_name,max_attempts}', identifier, job_key, queue_name, max_attempts, null),
      ${schema}.schedule_refusal(schedule_info))
  end;
$$;
