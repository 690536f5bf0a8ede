-- Why a schedule_info cannot be a schedule; null when its shape is right. Names the field. A zone must be known to this
-- server. Without a rule ({}) it passes: such a schedule is made to be run by hand, and parks. It may let pass what the
-- scheduler cannot read and then parks, never the other way round. Locks: none.
create or replace function ${schema}.schedule_refusal(schedule_info json) returns text
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
declare
  forms constant text := 'a cron string, a date, {"rule", "start", "end", "tz"}, or an object of second, minute, hour, '
    || 'date, month, year, dayOfWeek is expected';
  timestamp_shape constant text := '^([+-]?\d{4,}-\d\d-\d\d)([T ]([01]\d|2[0-3]):[0-5]\d(:[0-5]\d(\.\d*)?)?'
    || '(Z|[+-]\d\d(:?\d\d)?)?)?$';
  info jsonb;
  rule jsonb;
  rule_name text := 'schedule_info';
  frame jsonb;
  named record;
  refusal text;
begin
  begin
    info := schedule_refusal.schedule_info::jsonb;
  exception when untranslatable_character or numeric_value_out_of_range or invalid_text_representation then
    return 'schedule_info holds what the database cannot keep: ' || sqlerrm;
  end;
  rule := info;
  if jsonb_typeof(info) = 'object' and info ? 'rule' then
    rule := info -> 'rule';
    rule_name := 'schedule_info.rule';
    if jsonb_typeof(rule) = 'object' and rule ? 'rule' then
      return 'schedule_info.rule has a rule within the rule';
    end if;
    select 'schedule_info has the unknown key ' || quote_literal(left(k.key, 100)) || '; ' || forms into refusal
    from jsonb_object_keys(info) as k (key)
    where k.key not in ('rule', 'start', 'end', 'tz', 'recurs')
    limit 1;
  end if;
  if jsonb_typeof(rule) = 'object' then
    select coalesce(refusal, rule_name || ' has the unknown key ' || quote_literal(left(k.key, 100)) || '; ' || forms)
    into refusal
    from jsonb_object_keys(rule) as k (key)
    where k.key not in (
      'second', 'minute', 'hour', 'date', 'month', 'year', 'dayOfWeek', 'start', 'end', 'tz', 'recurs')
    limit 1;
    refusal := coalesce(refusal, rule_name || '.' || ${schema}.recurrence_refusal(rule));
  elsif jsonb_typeof(rule) not in ('string', 'number') then
    refusal := coalesce(refusal, format('%s is %s; %s', rule_name, left(rule::text, 100), forms));
  elsif jsonb_typeof(rule) = 'string' and btrim(rule #>> '{}', E' \t\n\r\f\v') !~ '^[+-]?\d{4,}-\d\d' then
    refusal := coalesce(refusal, rule_name || ': ' || ${schema}.cron_refusal(rule #>> '{}'));
  end if;
  if refusal is not null then
    return refusal;
  end if;

  foreach frame in array array[info, rule] loop
    for named in
      select t.name, t.value, t.value #>> '{}' as text
      from (values
        (rule_name, case when jsonb_typeof(rule) <> 'object' then rule end),
        ('schedule_info.start', case when jsonb_typeof(frame) = 'object' then frame -> 'start' end),
        ('schedule_info.end', case when jsonb_typeof(frame) = 'object' then frame -> 'end' end)) as t (name, value)
      where jsonb_typeof(t.value) <> 'null'
        -- A cron string was judged above.
        and (t.name <> rule_name or jsonb_typeof(t.value) = 'number'
          or btrim(t.value #>> '{}', E' \t\n\r\f\v') ~ '^[+-]?\d{4,}-\d\d')
    loop
      refusal := format('%s is %s; ISO 8601 such as 2026-11-22T02:42:15Z, or milliseconds since 1970, is expected',
        named.name, left(named.value::text, 100));
      if jsonb_typeof(named.value) = 'number' then
        if named.text::numeric not between 0 and 253402300799999 then
          return refusal;
        end if;
      elsif jsonb_typeof(named.value) <> 'string'
        or btrim(named.text, E' \t\n\r\f\v') !~* timestamp_shape
      then
        return refusal;
      else
        begin
          perform (regexp_match(named.text, '\d{4,}-\d\d-\d\d'))[1]::date;
        exception when datetime_field_overflow or invalid_datetime_format then
          return refusal;
        end;
      end if;
    end loop;
    if jsonb_typeof(frame) = 'object' and jsonb_typeof(frame -> 'tz') <> 'null' then
      refusal := format('schedule_info.tz is %s; the name of a time zone such as "Europe/Berlin" is expected',
        left((frame -> 'tz')::text, 100));
      if jsonb_typeof(frame -> 'tz') <> 'string' then
        return refusal;
      end if;
      begin
        perform now() at time zone (frame ->> 'tz');
      exception when invalid_parameter_value or datetime_field_overflow or invalid_datetime_format then
        return refusal;
      end;
    end if;
  end loop;
  return null;
end;
$$;
