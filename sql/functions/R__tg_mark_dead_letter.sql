-- Notes when a job became a dead letter, and forgets it when the job is one no more. A trigger, because many statements
-- can do either, those of other people too; its condition spares the call for all other changes. One that died because a
-- newer job took over its key has perhaps never failed: the reason is all there is to say. Locks: none.
create or replace function ${schema}.tg_mark_dead_letter() returns trigger
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
  if new.died_at is not null then
    new.died_at := null;
    return new;
  end if;
  new.died_at := now();
  if new.superseded_at is not null then
    new.last_error := coalesce(new.last_error, 'a newer job with the same key took over');
  end if;
  return new;
end;
$$;
