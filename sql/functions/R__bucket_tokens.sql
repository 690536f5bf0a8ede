-- What a token bucket holds now, given what it held at a moment: it fills at rate a second up to burst (the rate itself,
-- at least 1, where no burst is set) and starts full. Locks: none.
create or replace function ${schema}.bucket_tokens(
  rate double precision,
  burst int,
  tokens double precision,
  tokens_at timestamptz
) returns double precision
language sql stable
set search_path = pg_catalog, pg_temp
as $$
  select least(
    coalesce(burst, greatest(rate, 1)),
    coalesce(tokens + rate * extract(epoch from clock_timestamp() - tokens_at), coalesce(burst, greatest(rate, 1))));
$$;
