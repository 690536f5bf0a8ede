-- Why a text cannot be a cron rule; null when its shape is right. Looks at each field for itself: whether its days ever
-- come is for the scheduler to find out. It may let pass what the scheduler cannot read, never the other way round.
-- Locks: none.
create or replace function ${schema}.cron_refusal(rule text) returns text
language plpgsql immutable
set search_path = pg_catalog, pg_temp
as $$
declare
  names constant text[] := '{second,minute,hour,day of the month,month,weekday}';
  least_values constant int[] := '{0,0,0,1,1,0}';
  most_values constant int[] := '{59,59,59,31,12,7}';
  words constant text[] := array['', '', '', '',
    '|jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec', '|sun|mon|tue|wed|thu|fri|sat'];
  wild constant text[] := array['[*]', '[*]', '[*]', '[*?]', '[*]', '[*?]'];
  special constant text[] := array['', '', '', '|l', '', '|VALUE(l|#\d+)'];
  normal constant text := lower(btrim(cron_refusal.rule, E' \t\n\r\f\v'));
  fields text[] := regexp_split_to_array(normal, '\s+');
  part text;
  bounds text[];
begin
  if normal in ('@yearly', '@annually', '@monthly', '@weekly', '@daily', '@midnight', '@hourly') then
    return null;
  end if;
  if cardinality(fields) = 5 then
    fields := array['0'] || fields;
  end if;
  if cardinality(fields) <> 6 then
    return format(
      '%L has %s fields; 5 (minute hour date month weekday), 6 (with leading seconds) or a date are expected',
      left(normal, 100), case when normal = '' then 0 else cardinality(fields) end);
  end if;
  for n in 1..6 loop
    foreach part in array string_to_array(fields[n], ',') loop
      if part !~ replace(
        '^((' || wild[n] || '|VALUE(-VALUE)?)(/\d+)?|/\d+' || special[n] || ')$', 'VALUE', '(\d+' || words[n] || ')')
      then
        return format('the %s is %L; %L is not understood', names[n], left(fields[n], 100), left(part, 100));
      end if;
      if exists (
        select 1 from regexp_matches(regexp_replace(part, '[/#].*', ''), '\d+', 'g') as number
        where number[1]::numeric not between least_values[n] and most_values[n])
      then
        return format('the %s is %L; %s to %s are allowed',
          names[n], left(fields[n], 100), least_values[n], most_values[n]);
      end if;
      bounds := regexp_match(part, '^(\d+)-(\d+)');
      if bounds[1]::int > bounds[2]::int then
        return format('the %s is %L; the range %s ends before it begins', names[n], left(fields[n], 100), part);
      end if;
      if part ~ '/0+$' then
        return format('the %s is %L; a step is at least 1', names[n], left(fields[n], 100));
      end if;
    end loop;
  end loop;
  return null;
end;
$$;
