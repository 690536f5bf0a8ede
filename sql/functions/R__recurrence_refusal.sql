-- Why an object cannot be a recurrence; null when its fields have the right shape. Null stands for any value. Locks: none.
create or replace function ${schema}.recurrence_refusal(recurrence jsonb) returns text
language plpgsql immutable
set search_path = pg_catalog, pg_temp
as $$
declare
  -- A range may end at 60 whatever its field: node-schedule writes so when it was given no end.
  open_end constant int := 60;
  field record;
  value jsonb;
  bound record;
begin
  for field in
    select f.name, f.least, f.most, recurrence_refusal.recurrence -> f.name as value
    from (values
      ('second', 0, 59), ('minute', 0, 59), ('hour', 0, 23), ('date', 1, 31), ('month', 0, 11),
      ('year', 1970, 9999), ('dayOfWeek', 0, 6)) as f (name, least, most)
    where jsonb_typeof(recurrence_refusal.recurrence -> f.name) <> 'null'
  loop
    if field.value = '[]' then
      return format('%s is an empty list', field.name);
    end if;
    for value in
      select e.* from jsonb_array_elements(
        case jsonb_typeof(field.value) when 'array' then field.value else jsonb_build_array(field.value) end) as e
    loop
      if jsonb_typeof(value) not in ('number', 'object')
        or (jsonb_typeof(value) = 'object' and value - '{start,end,step}'::text[] <> '{}')
      then
        return format('%s has %s; a number, a list or a range {"start", "end", "step"} is expected',
          field.name, left(value::text, 100));
      end if;
      for bound in
        select b.name, b.value, b.least, b.most
        from (values
          ('', case when jsonb_typeof(value) = 'number' then value end, field.least, field.most),
          ('start', value -> 'start', field.least, field.most),
          ('end', case when value -> 'end' <> to_jsonb(open_end) then value -> 'end' end, field.least, field.most),
          ('step', value -> 'step', 1, 9999)) as b (name, value, least, most)
        where b.value is not null
      loop
        if jsonb_typeof(bound.value) <> 'number'
          or (bound.value #>> '{}')::numeric <> trunc((bound.value #>> '{}')::numeric)
          or (bound.value #>> '{}')::numeric not between bound.least and bound.most
        then
          return format('%s is %s; whole numbers from %s to %s are allowed',
            btrim(field.name || '.' || bound.name, '.'), left(bound.value::text, 100), bound.least, bound.most);
        end if;
      end loop;
      if coalesce((value ->> 'start')::numeric > (value ->> 'end')::numeric, false)
        and jsonb_typeof(value) = 'object' and (value ->> 'end')::numeric <> open_end
      then
        return format('%s has a range that ends before it begins: %s', field.name, left(value::text, 100));
      end if;
    end loop;
  end loop;
  return null;
end;
$$;
