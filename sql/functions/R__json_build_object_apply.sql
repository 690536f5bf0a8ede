-- Builds an object from an array of alternating names and values, all text. A name without a value gets null. Locks: none.
create or replace function ${schema}.json_build_object_apply(arguments text[]) returns json
language sql immutable
set search_path = pg_catalog, pg_temp
as $$
  select coalesce(json_object_agg(pair.name, pair.value order by pair.position), '{}'::json)
  from (
    select arguments[i] as name, arguments[i + 1] as value, i as position
    from generate_series(1, coalesce(array_length(arguments, 1), 0), 2) as i
  ) as pair;
$$;
