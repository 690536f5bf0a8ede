-- The passport pipeline's own tables. Tenants read their rows and act through the functions below; the four tasks write.
-- Hashes are SHA-256 in lower-case hex.

create table ${schema}.passports (
  passport_id uuid primary key default gen_random_uuid(),
  database_id uuid not null,
  label text not null,
  created_at timestamptz not null default now()
);

create table ${schema}.rule_package_versions (
  rule_package_version_id uuid primary key default gen_random_uuid(),
  database_id uuid not null,
  name text not null,
  version int not null,
  rules jsonb not null,
  status text not null check (status in ('DRAFT', 'PUBLISHED')),
  created_at timestamptz not null default now(),
  unique (database_id, name, version)
);

create table ${schema}.document_versions (
  document_version_id uuid primary key default gen_random_uuid(),
  database_id uuid not null,
  content text not null check (octet_length(content) <= 1048576),
  status text not null default 'UPLOADED' check (status in ('UPLOADED', 'VALIDATED')),
  passport_id uuid references ${schema}.passports,
  rule_package_version_id uuid references ${schema}.rule_package_versions,
  created_at timestamptz not null default now(),
  check ((passport_id is null) = (rule_package_version_id is null))
);

comment on column ${schema}.document_versions.passport_id is
  'The passport to compile from this document alone, once it is parsed; null where somebody makes a snapshot by hand.';

create table ${schema}.facts (
  fact_id uuid primary key default gen_random_uuid(),
  database_id uuid not null,
  document_version_id uuid not null references ${schema}.document_versions,
  fact_key text not null,
  value jsonb not null,
  fact_hash text not null,
  unique (document_version_id, fact_key)
);

create table ${schema}.snapshots (
  snapshot_id uuid primary key default gen_random_uuid(),
  database_id uuid not null,
  label text not null,
  status text not null default 'BUILDING' check (status in ('BUILDING', 'SEALED')),
  snapshot_hash text,
  document_version_id uuid unique references ${schema}.document_versions,
  created_at timestamptz not null default now(),
  check ((status = 'SEALED') = (snapshot_hash is not null))
);

create table ${schema}.snapshot_items (
  snapshot_id uuid not null references ${schema}.snapshots,
  fact_id uuid not null references ${schema}.facts,
  primary key (snapshot_id, fact_id)
);

create table ${schema}.signing_keys (
  key_id text primary key,
  public_key bytea not null,
  first_used_at timestamptz not null default now()
);

create table ${schema}.passport_versions (
  passport_version_id uuid primary key default gen_random_uuid(),
  database_id uuid not null,
  passport_id uuid not null references ${schema}.passports,
  snapshot_id uuid not null references ${schema}.snapshots,
  rule_package_version_id uuid not null references ${schema}.rule_package_versions,
  status text not null default 'COMPILING' check (status in ('COMPILING', 'SIGNED', 'ACTIVE', 'SUPERSEDED')),
  payload text not null,
  payload_hash text not null,
  proof text not null,
  proof_root text not null,
  receipt text not null,
  receipt_hash text not null,
  key_id text references ${schema}.signing_keys,
  signature bytea,
  qr_payload text,
  qr_png bytea,
  created_at timestamptz not null default now(),
  -- The receipt names snapshot, rules and compiler: the same of all three is the same version.
  unique (passport_id, receipt_hash),
  check ((status = 'COMPILING') = (signature is null)),
  check ((signature is null) = (key_id is null)),
  check ((qr_payload is null) = (qr_png is null))
);

create unique index passport_versions_active_idx on ${schema}.passport_versions (passport_id) where status = 'ACTIVE';

-- One row a step and thing that it was done to, written in the transaction that does it: who repeats a step finds it.
create table ${schema}.accepted_steps (
  step text not null,
  subject_id uuid not null,
  database_id uuid not null,
  job_id text,
  accepted_at timestamptz not null default now(),
  primary key (step, subject_id)
);

-- The tenant that the caller is bound to; null for callers who may act for any. Looked up when it runs, because the jobs'
-- schema may be made later than this one.
create function ${schema}.caller_tenant() returns uuid
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
begin
  return ${jobs}.caller_tenant();
end;
$$;

create function ${schema}.create_passport(db_id uuid, label text) returns uuid
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  created uuid;
begin
  perform ${jobs}.require_tenant(db_id);
  insert into ${schema}.passports (database_id, label) values (db_id, create_passport.label) returning passport_id into created;
  return created;
end;
$$;

-- The next version of a rule package: published, or a draft until publish_rules. Locks: a transaction lock on the name.
create function ${schema}.add_rules(db_id uuid, name text, rules jsonb, publish boolean default true) returns uuid
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  added uuid;
begin
  perform ${jobs}.require_tenant(db_id);
  perform pg_advisory_xact_lock(hashtextextended(db_id::text || ' ' || add_rules.name, 0));
  insert into ${schema}.rule_package_versions (database_id, name, version, rules, status)
  select
    db_id,
    add_rules.name,
    coalesce(max(r.version), 0) + 1,
    add_rules.rules,
    case when publish then 'PUBLISHED' else 'DRAFT' end
  from ${schema}.rule_package_versions r
  where r.database_id = db_id
    and r.name = add_rules.name
  returning rule_package_version_id into added;
  return added;
end;
$$;

create function ${schema}.publish_rules(db_id uuid, rules_id uuid) returns boolean
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  perform ${jobs}.require_tenant(db_id);
  update ${schema}.rule_package_versions r
  set status = 'PUBLISHED'
  where r.rule_package_version_id = publish_rules.rules_id
    and r.database_id = db_id;
  return found;
end;
$$;

-- Keeps a bill of materials and adds the job that parses it, both or neither. With a passport and rules the document alone
-- becomes a sealed snapshot, and that passport is compiled from it.
create function ${schema}.upload_document(db_id uuid, content text, passport uuid default null, rules_id uuid default null)
returns uuid
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  uploaded uuid;
begin
  perform ${jobs}.require_tenant(db_id);
  if passport is not null and not exists (
    select from ${schema}.passports p where p.passport_id = upload_document.passport and p.database_id = db_id)
  then
    raise exception 'PASSPORT_NOT_FOUND' using errcode = 'PP001', detail = format('There is no passport %s.', passport);
  end if;
  if rules_id is not null and not exists (
    select from ${schema}.rule_package_versions r
    where r.rule_package_version_id = upload_document.rules_id and r.database_id = db_id)
  then
    raise exception 'RULE_PKG_NOT_FOUND' using errcode = 'PP001', detail = format('There are no rules %s.', rules_id);
  end if;
  insert into ${schema}.document_versions (database_id, content, passport_id, rule_package_version_id)
  values (db_id, upload_document.content, passport, rules_id)
  returning document_version_id into uploaded;
  perform ${jobs}.add_job(
    db_id,
    'parse-facts',
    json_build_object('document_version_id', uploaded),
    job_key => 'parse-facts:' || uploaded);
  return uploaded;
end;
$$;

create function ${schema}.create_snapshot(db_id uuid, label text) returns uuid
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  created uuid;
begin
  perform ${jobs}.require_tenant(db_id);
  insert into ${schema}.snapshots (database_id, label) values (db_id, create_snapshot.label) returning snapshot_id into created;
  return created;
end;
$$;

-- Puts facts into a snapshot that is not sealed; answers how many are new in it. Locks: the snapshot's row, so that a seal
-- sees all of them or comes first.
create function ${schema}.add_facts(db_id uuid, snapshot uuid, fact_ids uuid[]) returns int
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  found_status text;
  added int;
begin
  perform ${jobs}.require_tenant(db_id);
  select s.status into found_status
  from ${schema}.snapshots s
  where s.snapshot_id = add_facts.snapshot and s.database_id = db_id
  for update;
  if found_status is distinct from 'BUILDING' then
    raise exception '%', case when found_status is null then 'SNAPSHOT_NOT_FOUND' else 'SNAPSHOT_SEALED' end using
      errcode = 'PP001',
      detail = format('Snapshot %s is %s.', snapshot, coalesce(found_status, 'unknown')),
      hint = 'A sealed snapshot stays as it is: make another one.';
  end if;
  insert into ${schema}.snapshot_items (snapshot_id, fact_id)
  select add_facts.snapshot, f.fact_id
  from ${schema}.facts f
  where f.fact_id = any (add_facts.fact_ids)
    and f.database_id = db_id
  on conflict do nothing;
  get diagnostics added = row_count;
  return added;
end;
$$;

-- Ends a snapshot's building and answers its hash: SHA-256 over a line "<key> <fact hash>" for each fact, in the order of
-- the keys. Sealing again answers the same. Locks: the snapshot's row.
create function ${schema}.seal_snapshot(db_id uuid, snapshot uuid) returns text
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  sealed text;
begin
  perform ${jobs}.require_tenant(db_id);
  perform from ${schema}.snapshots s where s.snapshot_id = seal_snapshot.snapshot and s.database_id = db_id for update;
  if not found then
    raise exception 'SNAPSHOT_NOT_FOUND' using errcode = 'PP001', detail = format('There is no snapshot %s.', snapshot);
  end if;
  update ${schema}.snapshots s
  set
    status = 'SEALED',
    snapshot_hash = (
      select encode(sha256(convert_to(
        coalesce(string_agg(f.fact_key || ' ' || f.fact_hash || e'\n', '' order by f.fact_key collate "C", f.fact_hash), ''),
        'UTF8')), 'hex')
      from ${schema}.snapshot_items i
      join ${schema}.facts f on f.fact_id = i.fact_id
      where i.snapshot_id = s.snapshot_id)
  where s.snapshot_id = seal_snapshot.snapshot
    and s.status = 'BUILDING';
  select s.snapshot_hash into sealed from ${schema}.snapshots s where s.snapshot_id = seal_snapshot.snapshot;
  return sealed;
end;
$$;

-- Adds the job that compiles; what is missing for it is that job's error. Answers the job's id.
create function ${schema}.compile(db_id uuid, passport uuid, snapshot uuid, rules_id uuid) returns bigint
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  job bigint;
begin
  perform ${jobs}.require_tenant(db_id);
  select j.id into job
  from ${jobs}.add_job(
    db_id,
    'compile-passport',
    json_build_object('passport_id', passport, 'snapshot_id', snapshot, 'rule_package_version_id', rules_id),
    job_key => concat_ws(':', 'compile-passport', passport, snapshot, rules_id)) j;
  return job;
end;
$$;

-- Makes a version the one that counts, in place of the passport's former one. It needs its signature and its QR code.
-- Locks: the passport's row.
create function ${schema}.activate(db_id uuid, version uuid) returns text
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  of_passport uuid;
  ready boolean;
begin
  perform ${jobs}.require_tenant(db_id);
  select v.passport_id, v.status in ('SIGNED', 'ACTIVE', 'SUPERSEDED') and v.qr_png is not null
  into of_passport, ready
  from ${schema}.passport_versions v
  where v.passport_version_id = activate.version and v.database_id = db_id;
  if ready is not true then
    raise exception '%', case when of_passport is null then 'PASSPORT_VERSION_NOT_FOUND' else 'PASSPORT_NOT_SIGNED' end using
      errcode = 'PP001',
      detail = format('Version %s %s.', version,
        case when of_passport is null then 'does not exist' else 'has no signature or no QR code yet' end);
  end if;
  perform from ${schema}.passports p where p.passport_id = of_passport for update;
  update ${schema}.passport_versions v
  set status = 'SUPERSEDED'
  where v.passport_id = of_passport
    and v.status = 'ACTIVE'
    and v.passport_version_id <> activate.version;
  update ${schema}.passport_versions v
  set status = 'ACTIVE'
  where v.passport_version_id = activate.version;
  return 'ACTIVE';
end;
$$;

-- A tenant's session, a member of postern_tenant, sees its own rows and calls the functions, no more. The role is the
-- jobs'; whoever comes first makes it.
do $$
declare
  secured text;
begin
  begin
    if to_regrole('postern_tenant') is null then
      create role postern_tenant nologin;
    end if;
  exception
    when duplicate_object or unique_violation then
      null;
    when insufficient_privilege then
      raise notice 'role postern_tenant is missing and % may not create it', current_user;
  end;
  revoke execute on all functions in schema ${schema} from public;
  foreach secured in array array[
    'passports', 'rule_package_versions', 'document_versions', 'facts', 'snapshots', 'passport_versions', 'accepted_steps']
  loop
    execute format('alter table ${schema}.%I enable row level security', secured);
    execute format(
      'create policy own_tenant on ${schema}.%I using (coalesce(database_id = (select ${schema}.caller_tenant()), true))',
      secured);
  end loop;
  alter table ${schema}.snapshot_items enable row level security;
  create policy own_tenant on ${schema}.snapshot_items using (
    exists (select from ${schema}.snapshots s where s.snapshot_id = snapshot_items.snapshot_id));
  if to_regrole('postern_tenant') is not null then
    grant usage on schema ${schema} to postern_tenant;
    grant select on all tables in schema ${schema} to postern_tenant;
    grant execute on all functions in schema ${schema} to postern_tenant;
  end if;
end;
$$;
