-- A schedule as the JSON object that the HTTP API answers with. Locks: none.
create or replace function ${schema}.schedule_document(schedule ${schema}.scheduled_jobs) returns json
language sql stable
set search_path = pg_catalog, pg_temp
as $$
  select json_build_object(
    'id', schedule.id::text,
    'tenantId', schedule.database_id,
    'jobType', schedule.task_identifier,
    'payload', schedule.payload,
    'schedule', schedule.schedule_info,
    'state', ${schema}.schedule_state(schedule),
    'key', schedule.key,
    'queue', schedule.queue_name,
    'priority', schedule.priority,
    'maxRetries', schedule.max_attempts - 1,
    'missedTicks', schedule.missed_ticks,
    'missedTicksMax', schedule.missed_ticks_max,
    'overlap', schedule.overlap,
    'jitterSeconds', extract(epoch from schedule.jitter)::bigint,
    'nextTickAt', ${schema}.json_time(schedule.next_tick_at),
    'lastJobId', schedule.last_scheduled_id::text,
    'lastJobAt', ${schema}.json_time(schedule.last_scheduled),
    'pausedAt', ${schema}.json_time(schedule.paused_at),
    'pausedBy', schedule.paused_by,
    'errorMessage', schedule.last_error);
$$;
