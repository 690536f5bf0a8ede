-- A job as the JSON object that the HTTP API answers with. Payload and result stay the text that they are, so that numbers
-- survive. Locks: none.
create or replace function ${schema}.job_document(job ${schema}.api_jobs) returns json
language sql stable
set search_path = pg_catalog, pg_temp
as $$
  select json_build_object(
    'id', job.id::text,
    'organizationId', job.organization_id,
    'tenantId', job.organization_id,
    'userId', job.user_id,
    'actorId', job.user_id,
    'jobType', job.job_type,
    'status', job.status,
    'priority', job.priority,
    'retryCount', job.retry_count,
    'maxRetries', job.max_retries,
    'payload', job.payload,
    'result', job.result,
    'errorMessage', job.error_message,
    'progress', job.progress,
    'totalSteps', job.total_steps,
    'currentStep', job.current_step,
    'startedAt', ${schema}.json_time(job.started_at),
    'completedAt', ${schema}.json_time(job.completed_at),
    'scheduledAt', ${schema}.json_time(job.scheduled_at),
    'createdAt', ${schema}.json_time(job.created_at),
    'updatedAt', ${schema}.json_time(job.updated_at),
    'queue', job.queue_name,
    'dedupeKey', job.key,
    'entityId', job.entity_id,
    'requestId', job.request_id,
    'traceId', nullif(split_part(job.traceparent, '-', 2), ''));
$$;
