-- A job as job_document has it, but without a payload or a result of more than so many bytes: null stands for it, and
-- "omitted" names it. Many jobs at once, or one again and again, are then bounded in size. Locks: none.
create or replace function ${schema}.job_summary(job ${schema}.api_jobs, most_bytes int) returns json
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
declare
  omitted text[] := '{}';
  document text;
begin
  if octet_length(job.payload::text) > most_bytes then
    job.payload := null;
    omitted := omitted || 'payload'::text;
  end if;
  if octet_length(job.result::text) > most_bytes then
    job.result := null;
    omitted := omitted || 'result'::text;
  end if;
  document := ${schema}.job_document(job)::text;
  -- As text: numbers in payloads keep their digits.
  return case when omitted = '{}' then document
    else left(document, -1) || ', "omitted" : ' || to_json(omitted)::text || '}' end::json;
end;
$$;
