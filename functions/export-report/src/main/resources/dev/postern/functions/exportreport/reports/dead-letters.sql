-- The tenant's dead letters that died in the wished days (UTC), oldest first.
select
  d.id,
  d.task_identifier as task,
  d.attempts,
  d.last_error,
  d.created_at,
  d.died_at
from ${jobs}.dead_letters d
where d.died_at >= coalesce(nullif(current_setting('export.date_from'), '')::date, '-infinity')
  and d.died_at < coalesce(nullif(current_setting('export.date_to'), '')::date + 1, 'infinity')
order by d.died_at, d.id
