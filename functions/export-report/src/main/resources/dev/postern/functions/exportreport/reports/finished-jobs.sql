-- The tenant's jobs that have ended in the wished days (UTC), oldest first.
select
  h.id,
  h.task_identifier as task,
  h.state,
  h.attempts,
  h.created_at,
  h.finished_at,
  h.result
from ${jobs}.job_history h
where h.finished_at >= coalesce(nullif(current_setting('export.date_from'), '')::date, '-infinity')
  and h.finished_at < coalesce(nullif(current_setting('export.date_to'), '')::date + 1, 'infinity')
order by h.finished_at, h.id
