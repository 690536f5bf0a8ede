package dev.postern.sql;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assumptions.assumeThat;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** A database that pgpm-database-jobs 0.15 set up, with work in it, becomes ours in place. */
class AdoptionTest {

    @RegisterExtension
    final JobDatabase database = JobDatabase.empty();

    private static final String COLUMNS_OF_0_15 =
            "id, database_id, queue_name, task_identifier, payload::text as payload,"
                    + " priority, run_at, attempts, max_attempts, key, last_error, locked_at, locked_by, created_at, updated_at";

    /** Where the 0.15 schema comes from. */
    enum Source {
        /** Our rendition of its shape, run as a script. */
        RENDITION,
        /** Our rendition, installed by {@code create extension}. */
        RENDITION_AS_EXTENSION,
        /** The published SQL that POSTERN_LEGACY_SQL names, run as a script. */
        PUBLISHED,
        /** The published SQL, installed by {@code create extension}. */
        PUBLISHED_AS_EXTENSION
    }

    @ParameterizedTest
    @EnumSource(Source.class)
    void adoptsADatabaseOf0Point15WithItsWorkInIt(Source source) {
        install(source);
        fillWithWork();
        var before = byId("select " + COLUMNS_OF_0_15 + " from app_jobs.jobs");
        var schedulesBefore = schedules();
        long lastId = database.number("select last_value from app_jobs.jobs_id_seq");

        assertThat(new SchemaMigrator(database.config()).migrate().adopted()).isTrue();
        assertThat(new SchemaMigrator(database.config()).migrate())
                .isEqualTo(new SchemaMigrator.Report(0, false, false));
        new SchemaMigrator(database.config()).check();

        var after = byId("select " + COLUMNS_OF_0_15 + " from app_jobs.jobs");
        // Locks that had run out are gone, and so is the older one of two in a queue; all else is as it was.
        for (Map<String, @Nullable Object> row : before.values()) {
            if (List.of(4L, 11L, 12L).contains(row.get("id"))) {
                row.put("locked_at", null);
                row.put("locked_by", null);
            }
        }
        assertThat(after).isEqualTo(before);
        assertThat(schedules()).isEqualTo(schedulesBefore);

        oldCallsGoOn(lastId);
        everythingClaimableIsClaimed();
    }

    @ParameterizedTest
    @EnumSource(
            value = Source.class,
            names = {"RENDITION_AS_EXTENSION", "PUBLISHED_AS_EXTENSION"})
    void takesTheObjectsOutOfTheExtensionAndLeavesItListed(Source source) {
        install(source);
        String members =
                "select count(*) from pg_extension e join pg_depend d on d.refobjid = e.oid and d.deptype = 'e'"
                        + " and d.refclassid = 'pg_extension'::regclass where e.extname = 'pgpm-database-jobs'"
                        + " and d.classid <> 'pg_default_acl'::regclass";
        assertThat(database.number(members)).isGreaterThan(20);

        new SchemaMigrator(database.config()).migrate();

        assertThat(database.number(members)).isZero();
        database.execute("create extension if not exists \"pgpm-database-jobs\"");
        database.addJob("ping", "{}");
        database.execute("drop extension \"pgpm-database-jobs\"");
        assertThat(database.number("select count(*) from app_jobs.jobs")).isOne();
    }

    @ParameterizedTest
    @EnumSource(
            value = Source.class,
            names = {"RENDITION_AS_EXTENSION"})
    void anotherSchemaLeavesTheExtensionWhole(Source source) {
        install(source);
        DatabaseConfig c = database.config();
        new SchemaMigrator(new DatabaseConfig(
                        c.host(), c.port(), c.database(), c.user(), c.password(), "other_jobs", 1, c.tls()))
                .migrate();

        database.execute("drop extension \"pgpm-database-jobs\"");
        assertThat(database.value("select to_regclass('app_jobs.jobs')")).isNull();
        assertThat(database.value("select to_regclass('other_jobs.jobs')::text"))
                .isEqualTo("other_jobs.jobs");
    }

    private void fillWithWork() {
        String tenant = "'" + JobDatabase.TENANT + "'";
        script("""
                insert into app_jobs.jobs (database_id, task_identifier, queue_name, payload, attempts, key, last_error,
                  locked_at, locked_by, run_at)
                values
                  (TENANT, 'queued', null, '{"a": 1}', 0, null, null, null, null, now()),
                  (TENANT, 'random-queue', gen_random_uuid()::text, '{}', 0, null, null, null, null, now()),
                  (TENANT, 'locked', 'emails', '{}', 1, null, null, now() - interval '1 hour', 'old-worker', now()),
                  (TENANT, 'stale-lock', null, '{}', 2, null, null, now() - interval '5 hours', 'gone-worker', now()),
                  (TENANT, 'failed', null, '{}', 3, null, 'it broke', null, null, now() - interval '1 min'),
                  (TENANT, 'dead', null, '{}', 25, null, 'it broke for good', null, null, now()),
                  (TENANT, 'keyed', null, '{}', 0, 'k1', null, null, null, now()),
                  (gen_random_uuid(), 'keyed-too', 'emails', '{}', 0, 'k2', null, null, null, now()),
                  (TENANT, 'future', null, '{}', 0, null, null, null, null, now() + interval '1 day'),
                  (TENANT, 'odd-bytes', 'emails', '{ "b":1,   "a": "\u00e9\\u00e9", "b":2 }', 0, null, null, null, null, now()),
                  (TENANT, 'dead-stale-lock', null, '{}', 25, null, null, now() - interval '5 hours', 'gone-worker', now()),
                  (TENANT, 'busy-older', 'busy', '{}', 1, null, null, now() - interval '3 hours', 'old-worker', now()),
                  (TENANT, 'busy-newer', 'busy', '{}', 1, null, null, now() - interval '2 hours', 'old-worker-2', now());
                insert into app_jobs.jobs (database_id, task_identifier) values (TENANT, 'default-queue');
                insert into app_jobs.scheduled_jobs (database_id, task_identifier, schedule_info, key, locked_at, locked_by,
                  last_scheduled, last_scheduled_id)
                values
                  (TENANT, 'tick', '{"rule": "*/5 * * * *"}', null, null, null, now(), 5),
                  (TENANT, 'tock', '{"rule":  "0 * * * *"}', 's1', now(), 'old-scheduler', null, null);
                """.replace("TENANT", tenant));
    }

    private void oldCallsGoOn(long lastId) {
        assertThat(database.number("select id from app_jobs.add_job(?, 'new', '{}'::json)", JobDatabase.TENANT))
                .isEqualTo(lastId + 1);
        assertThat(database.number(
                        "select id from app_jobs.add_job(?, 'keyed-again', job_key => 'k1')", JobDatabase.TENANT))
                .isEqualTo(7);
        // The worker that holds a job since before may end it.
        assertThat(database.number("select id from app_jobs.complete_job('old-worker', 3)"))
                .isEqualTo(3);
        assertThat(database.number("select id from app_jobs.fail_job('old-worker-2', 13, 'broken')"))
                .isEqualTo(13);
        assertThat(database.rows("select queue_name, job_count from app_jobs.job_queues where queue_name = 'busy'"))
                .containsExactly(Map.of("queue_name", "busy", "job_count", 2));
        assertThat(database.number("select id from app_jobs.run_scheduled_job(2)"))
                .isGreaterThan(lastId);
        database.execute("select app_jobs.release_scheduled_jobs('old-scheduler')");
        assertThat(database.number("select id from app_jobs.get_scheduled_job('old-scheduler')"))
                .isOne();
        // Raw inserts were always allowed.
        database.execute(
                "insert into app_jobs.jobs (database_id, task_identifier) values (?, 'raw')", JobDatabase.TENANT);
    }

    private void everythingClaimableIsClaimed() {
        List<Object> claimed = new java.util.ArrayList<>();
        while (true) {
            var batch = database.rows(
                    "select id, task_identifier from app_jobs.claim_jobs('worker-1', null, 100, '1 min')");
            if (batch.isEmpty()) {
                break;
            }
            for (var job : batch) {
                claimed.add(job.get("task_identifier") + "");
                database.execute("select app_jobs.complete_job('worker-1', ?)", job.get("id"));
            }
        }
        assertThat(claimed)
                .containsExactlyInAnyOrder(
                        "queued",
                        "random-queue",
                        "stale-lock",
                        "failed",
                        "keyed-again",
                        "keyed-too",
                        "odd-bytes",
                        "busy-older",
                        "default-queue",
                        "new",
                        "tock",
                        "raw");
        assertThat(database.rows("select task_identifier from app_jobs.jobs order by id"))
                .extracting(row -> row.get("task_identifier"))
                .containsExactly("dead", "future", "dead-stale-lock", "busy-newer");
    }

    private Map<Long, Map<String, @Nullable Object>> byId(String sql) {
        return database.rows(sql).stream()
                .collect(Collectors.toMap(
                        row -> row.get("id") instanceof Long id ? id : -1L, row -> row, (a, b) -> a, TreeMap::new));
    }

    private List<Map<String, @Nullable Object>> schedules() {
        return database.rows("select id, database_id, queue_name, task_identifier, payload::text as payload, priority,"
                + " max_attempts, key, locked_at, locked_by, schedule_info::text as schedule_info, last_scheduled,"
                + " last_scheduled_id from app_jobs.scheduled_jobs order by id");
    }

    private void install(Source source) {
        script("do $$ begin if not exists (select 1 from pg_roles where rolname = 'administrator') then"
                + " create role administrator; end if; end $$");
        boolean published = source == Source.PUBLISHED || source == Source.PUBLISHED_AS_EXTENSION;
        String sql = published ? publishedSql() : rendition();
        if (published) {
            // It names this function in the schema where pgcrypto put it before Postgres had its own.
            script("create or replace function public.gen_random_uuid() returns uuid language sql as"
                    + " 'select pg_catalog.gen_random_uuid()'");
        }
        if (source == Source.RENDITION || source == Source.PUBLISHED) {
            script(sql.replaceFirst("(?m)^\\\\echo.*$", ""));
        } else {
            createExtension(sql);
        }
    }

    private void createExtension(String sql) {
        Path share;
        try {
            share = Files.createDirectories(
                            Path.of("target", "extensions", database.config().database(), "extension"))
                    .toAbsolutePath();
            Files.writeString(
                    share.resolve("pgpm-database-jobs.control"),
                    "default_version = '0.15.3'\nrelocatable = false\nsuperuser = false\n");
            Files.writeString(share.resolve("pgpm-database-jobs--0.15.3.sql"), sql);
            for (Path file : List.of(share, share.getParent())) {
                Files.setPosixFilePermissions(file, PosixFilePermissions.fromString("rwxr-xr-x"));
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        assumeThat(database.number("select current_setting('server_version_num')::int"))
                .as("extension_control_path came with Postgres 18")
                .isGreaterThanOrEqualTo(180000);
        // For this database, because every statement may come on another connection.
        database.alter("set extension_control_path = '" + share.getParent() + ":$system'");
        database.forgetConnections();
        assumeThat(database.number("select count(*) from pg_available_extensions where name = 'pgpm-database-jobs'"))
                .as("the server reads the files of this machine, at %s", share)
                .isOne();
        script("create extension \"pgpm-database-jobs\"");
    }

    private static String publishedSql() {
        Optional<Path> file = Optional.ofNullable(System.getProperty("POSTERN_LEGACY_SQL"))
                .or(() -> Optional.ofNullable(System.getenv("POSTERN_LEGACY_SQL")))
                .filter(path -> !path.isBlank())
                .map(Path::of);
        assumeThat(file)
                .as("POSTERN_LEGACY_SQL names sql/pgpm-database-jobs--0.15.3.sql of @pgpm/database-jobs 0.16.0")
                .isPresent();
        try {
            return Files.readString(file.orElseThrow());
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static String rendition() {
        try (InputStream in = AdoptionTest.class.getResourceAsStream("legacy-0.15.sql")) {
            if (in == null) {
                throw new AssertionError("legacy-0.15.sql is not on the test class path");
            }
            return new String(in.readAllBytes(), StandardCharsets.UTF_8);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private void script(String sql) {
        try (Connection connection = database.connect();
                Statement statement = connection.createStatement()) {
            statement.execute(sql);
        } catch (SQLException e) {
            throw new JobDatabase.SqlFailure(e);
        }
    }
}
