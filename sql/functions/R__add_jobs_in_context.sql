-- Adds jobs for add_jobs, and for finish_jobs, whose follow-up jobs inherit the context of the job that they follow.
-- jobs is a JSON array of objects with
--   task (required), payload, key, key_mode, queue, run_at (RFC 3339), max_attempts, priority,
--   actor_id, entity_id, request_id, traceparent
-- where null is as good as left out; the last four are then those given here. Anything else is refused with
-- INVALID_ARGUMENT (PJ003), which names element and field, and nothing is added.
-- Answers a row per element: inserted, replaced or deduplicated, as add_keyed_job says. Two elements with one key are as
-- two calls in that order. Ids of new jobs rise in the order of the elements, so those of a queue run in it.
-- Cost: jobs without a key are one insert and one notification, however many.
-- Locks: for a list that may replace under more than one key, a transaction lock of the tenant, so that such lists come
-- one after the other: each may meet what the other has just put in the place of a running job, in any order. Then the
-- jobs whose keys are replaced, in the order of their ids as finish_jobs does, and the keys in alphabetical order.
create or replace function ${schema}.add_jobs_in_context(
  db_id uuid,
  jobs json,
  actor_id uuid,
  entity_id uuid,
  request_id text,
  traceparent text
) returns table (element int, job_id bigint, outcome text)
language plpgsql
set search_path = pg_catalog, pg_temp
set enable_seqscan = off
set jit = off
as $$
#variable_conflict use_column
declare
  refusal text;
  plain boolean := false;
  keyed boolean := true;
  ids bigint[];
  outcomes text[] := '{}';
  item record;
  replacing text[];
  carrier bigint;
begin
  refusal := case
    when add_jobs_in_context.db_id is null then 'db_id is null'
    when json_typeof(add_jobs_in_context.jobs) is distinct from 'array' then 'jobs is no JSON array'
  end;

  if refusal is null then
    begin
      -- Mostly all is right and plain, which this sees in a fifth of the time that the checks below take to say so.
      select
        coalesce(bool_and(case when jsonb_typeof(e.job) = 'object' then coalesce(
          e.job - '{task,payload,queue,key}'::text[] = '{}'
          and jsonb_typeof(e.job -> 'task') = 'string'
          and length(e.job ->> 'task') between 1 and 126
          and (not e.job ? 'queue' or (jsonb_typeof(e.job -> 'queue') = 'string' and length(e.job ->> 'queue') <= 126))
          and (not e.job ? 'key' or (jsonb_typeof(e.job -> 'key') = 'string' and length(e.job ->> 'key') <= 512)), false)
          else false end), true),
        coalesce(bool_or(e.job ? 'key'), false)
      into plain, keyed
      from jsonb_array_elements(add_jobs_in_context.jobs::jsonb) as e (job);
    exception
      -- What json may hold and jsonb may not: \u0000, numbers beyond all bounds.
      when data_exception or program_limit_exceeded then
        plain := false;
        keyed := true;
    end;
  end if;

  if refusal is null and not plain then
    select format('element %s is no object but of type %s', e.element, json_typeof(e.job)) into refusal
    from json_array_elements(add_jobs_in_context.jobs) with ordinality as e (job, element)
    where json_typeof(e.job) <> 'object'
    order by e.element
    limit 1;
  end if;

  if refusal is null and not plain then
    begin
      select format('element %s: %s %s', e.element, f.name, wrong.reason) into refusal
      from json_array_elements(add_jobs_in_context.jobs) with ordinality as e (job, element)
      cross join lateral json_each(e.job) as f (name, value)
      cross join lateral (
        select case
          when f.name = 'payload' then null
          when f.name not in (
            'task', 'key', 'key_mode', 'queue', 'run_at', 'max_attempts', 'priority', 'actor_id', 'entity_id',
            'request_id', 'traceparent')
            then 'is not known; a job has task, payload, key, key_mode, queue, run_at, max_attempts, priority,'
              || ' actor_id, entity_id, request_id, traceparent'
          when json_typeof(f.value) = 'null' then null
          when f.name in ('max_attempts', 'priority') then case
            when json_typeof(f.value) <> 'number' or f.value::text !~ '^-?[0-9]{1,10}$' then 'is no integer'
            when f.value::text::bigint not between -2147483648 and 2147483647 then 'is no integer of 32 bits'
          end
          when json_typeof(f.value) <> 'string' then 'is no string'
          when f.name in ('actor_id', 'entity_id') then case
            when ${schema}.uuid_of(f.value #>> '{}') is null then 'is no uuid'
          end
          when f.name = 'run_at' then case
            when f.value #>> '{}' !~ ('^(?!0000)[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])[Tt ]'
              || '([01][0-9]|2[0-3]):[0-5][0-9](:[0-5][0-9](\.[0-9]{1,9})?)?'
              || '([Zz]|[+-](0[0-9]|1[0-5])(:?[0-5][0-9](:[0-5][0-9])?)?)$')
              then 'is no time with an offset such as 2027-01-31T08:00:00Z'
            when substr(f.value #>> '{}', 9, 2)::int > extract(
              day from (substr(f.value #>> '{}', 1, 7) || '-01')::date + interval '1 month' - interval '1 day')
              then 'names a day that its month does not have'
          end
        end as reason
      ) as wrong
      where wrong.reason is not null
      order by e.element
      limit 1;
    exception
      when untranslatable_character or invalid_text_representation then
        -- Valid JSON, but Postgres cannot look into an object that has this anywhere inside.
        for item in
          select e.job, e.element
          from json_array_elements(add_jobs_in_context.jobs) with ordinality as e (job, element)
          order by e.element
        loop
          begin
            perform json_object_keys(item.job);
          exception
            when untranslatable_character or invalid_text_representation then
              refusal := format(
                'element %s has \u0000 or half a surrogate pair in it, which cannot be read out of a list', item.element);
              exit;
          end;
        end loop;
        refusal := coalesce(refusal, 'jobs has \u0000 or half a surrogate pair in it');
    end;
  end if;

  if refusal is null and not plain then
    select format('element %s: %s', spec.element, wrong.reason) into refusal
    from rows from (json_to_recordset(add_jobs_in_context.jobs) as (
      task text, key text, queue text, max_attempts int, key_mode text))
      with ordinality as spec (task, key, queue, max_attempts, key_mode, element)
    cross join lateral ${schema}.job_refusal(
      '{task,key,queue,max_attempts,key_mode}', spec.task, spec.key, spec.queue, spec.max_attempts, spec.key_mode)
      as wrong (reason)
    where wrong.reason is not null
    order by spec.element
    limit 1;
  end if;

  if refusal is not null then
    raise exception 'INVALID_ARGUMENT' using
      errcode = 'PJ003',
      detail = refusal || '.',
      hint = 'add_jobs(db_id, ''[{"task": "system-ping", "payload": {}}]''); elements are counted from 1.';
  end if;

  select array_agg(nextval('${schema}.jobs_id_seq')) into ids
  from generate_series(1, json_array_length(add_jobs_in_context.jobs));

  insert into ${schema}.jobs (
    id, database_id, task_identifier, payload, queue_name, run_at, max_attempts, priority,
    actor_id, entity_id, request_id, traceparent)
  select
    ids[spec.element], add_jobs_in_context.db_id, spec.task, coalesce(spec.payload, '{}'::json), spec.queue,
    coalesce(spec.run_at, now()), coalesce(spec.max_attempts, 25), coalesce(spec.priority, 0),
    coalesce(spec.actor_id, add_jobs_in_context.actor_id), coalesce(spec.entity_id, add_jobs_in_context.entity_id),
    coalesce(spec.request_id, add_jobs_in_context.request_id),
    coalesce(spec.traceparent, add_jobs_in_context.traceparent)
  from rows from (json_to_recordset(add_jobs_in_context.jobs) as (
    task text, payload json, key text, queue text, run_at timestamptz, max_attempts int, priority int,
    actor_id uuid, entity_id uuid, request_id text, traceparent text))
    with ordinality as spec (
      task, payload, key, queue, run_at, max_attempts, priority, actor_id, entity_id, request_id, traceparent, element)
  where spec.key is null;

  if keyed then
    select array_agg(distinct spec.key) into replacing
    from json_to_recordset(add_jobs_in_context.jobs) as spec (key text, key_mode text)
    where spec.key is not null and spec.key_mode is distinct from 'unsafe_dedupe';
    if cardinality(replacing) > 1 then
      perform pg_advisory_xact_lock(hashtextextended('${schema}.keys:' || add_jobs_in_context.db_id, 0));
      perform 1
      from ${schema}.jobs j
      where j.database_id = add_jobs_in_context.db_id and j.key = any (replacing)
      order by j.id
      for update;
    end if;

    for item in
      select
        spec.element, spec.task, coalesce(spec.payload, '{}'::json) as payload, spec.key, spec.queue,
        coalesce(spec.run_at, now()) as run_at, coalesce(spec.max_attempts, 25) as max_attempts,
        coalesce(spec.priority, 0) as priority, coalesce(spec.actor_id, add_jobs_in_context.actor_id) as actor_id,
        coalesce(spec.entity_id, add_jobs_in_context.entity_id) as entity_id,
        coalesce(spec.request_id, add_jobs_in_context.request_id) as request_id,
        coalesce(spec.traceparent, add_jobs_in_context.traceparent) as traceparent,
        coalesce(spec.key_mode, 'replace') as key_mode
      from rows from (json_to_recordset(add_jobs_in_context.jobs) as (
        task text, payload json, key text, key_mode text, queue text, run_at timestamptz, max_attempts int, priority int,
        actor_id uuid, entity_id uuid, request_id text, traceparent text))
        with ordinality as spec (
          task, payload, key, key_mode, queue, run_at, max_attempts, priority, actor_id, entity_id, request_id, traceparent,
          element)
      where spec.key is not null
      order by spec.key collate "C", spec.element
    loop
      carrier := (${schema}.add_keyed_job(
        ids[item.element], add_jobs_in_context.db_id, item.task, item.payload, item.key, item.queue, item.run_at,
        item.max_attempts, item.priority, item.actor_id, item.entity_id, item.request_id, item.traceparent,
        item.key_mode)).id;
      if carrier <> ids[item.element] then
        ids[item.element] := carrier;
        outcomes[item.element] := case item.key_mode when 'unsafe_dedupe' then 'deduplicated' else 'replaced' end;
      end if;
    end loop;
  end if;

  return query
  select n, ids[n], coalesce(outcomes[n], 'inserted')
  from generate_series(1, coalesce(cardinality(ids), 0)) as n
  order by n;
end;
$$;
