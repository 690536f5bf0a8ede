package dev.postern.sql;

import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.flywaydb.core.Flyway;
import org.flywaydb.core.api.FlywayException;
import org.flywaydb.core.api.MigrationInfo;
import org.flywaydb.core.api.MigrationInfoService;
import org.flywaydb.core.api.MigrationState;
import org.flywaydb.core.api.MigrationVersion;
import org.flywaydb.core.api.output.MigrateResult;

/**
 * Brings a database to the schema that this release needs: builds it where there is none, adopts what
 * {@code pgpm-database-jobs} 0.15 made, and replaces functions whose file changed. Blocking; for start-up and tests. Any
 * number may run at once: Flyway's lock lets one work and the others find nothing to do.
 *
 * <p>During an upgrade the release before runs on the new schema, and may have to start on it. Migrations add; one that
 * takes something away is called {@code V0031__contract_0027_…}, where 0027 is the version since which no release needs
 * what goes. A release lives with every migration that it does not know but those that contract beyond it.
 */
public final class SchemaMigrator {

    private static final String HISTORY_TABLE = "postern_migrations";

    /** Functions are replaced one by one and name each other, so a body may name what comes later. */
    private static final String FORWARD_REFERENCES = "&options=-c%20check_function_bodies%3Doff";

    /** As Flyway keeps it beside the version: in the database, where a release that lacks the file can read it. */
    private static final Pattern CONTRACT = Pattern.compile("contract (\\d+) .*");

    private static final String GO_ROUND =
            "set DATABASE_LISTEN_URL to a direct connection, or run 'migrate' once with a direct DATABASE_URL";

    private final DatabaseConfig config;
    private final Flyway flyway;

    /** Connects when asked to do something. */
    public SchemaMigrator(DatabaseConfig config) {
        this.config = config;
        this.flyway = Flyway.configure()
                .dataSource(
                        config.jdbcUrl() + (config.pooled() ? "" : FORWARD_REFERENCES),
                        config.user(),
                        config.password())
                .locations("classpath:dev/postern/sql/migrations", "classpath:dev/postern/sql/functions")
                .defaultSchema(config.schema())
                .schemas(config.schema())
                .createSchemas(true)
                .table(HISTORY_TABLE)
                // A schema with tables but without our history is one that 0.15 made.
                .baselineOnMigrate(true)
                .baselineVersion("0")
                // All or nothing: live callers find the old functions until the new ones stand, never none.
                .group(true)
                .placeholders(Map.of("schema", config.schema()))
                .failOnMissingLocations(true)
                .load();
    }

    /**
     * What a migration did.
     *
     * @param applied how many files were applied, functions included; 0 when all was there
     * @param adopted whether the schema had tables that were not ours before
     * @param newer whether a newer release has migrated it; then it was left as it is, since this one's functions would
     *     replace the newer ones under those that use them
     */
    public record Report(int applied, boolean adopted, boolean newer) {}

    /**
     * Migrates. Through a pooler only the finding that there is nothing to do is possible: Flyway sets the search path of
     * its session, which would stay in one of the pooler's and meet other people's statements there.
     *
     * @throws SchemaException when the database cannot be reached, refuses, or lacks what this release needs because a
     *     newer one took it away, or when there is something to do and a pooler stands in between
     */
    public Report migrate() {
        try {
            MigrationInfoService found = flyway.info();
            refuseUnfit();
            if (newer(found)) {
                refuseMissing(found);
                return new Report(0, false, true);
            }
            if (found.pending().length > 0) {
                refusePooler(found.pending().length);
            } else if (config.pooled()) {
                return new Report(0, false, false);
            }
            boolean foreign = found.current() == null && hasJobs();
            MigrateResult result = flyway.migrate();
            return new Report(result.migrationsExecuted, foreign && result.migrationsExecuted > 0, false);
        } catch (FlywayException e) {
            refuseRefusedParameter(e);
            throw new SchemaException(
                    "cannot migrate " + config + ": " + firstLine(e) + " - nothing was half-applied; mend the cause"
                            + " and run 'migrate' again",
                    e);
        }
    }

    /**
     * Checks that the database has what this release needs, without changing it. A function that another release
     * replaced is no reason to refuse: its signature and meaning stay, and during a rollout both releases run.
     *
     * @return whether a newer release has migrated it
     * @throws SchemaException naming what is missing and how to get it, that a newer release took away what this one
     *     needs, or that the database cannot be reached
     */
    public boolean check() {
        try {
            MigrationInfoService found = flyway.info();
            refuseUnfit();
            boolean newer = newer(found);
            refuseMissing(found);
            return newer;
        } catch (FlywayException e) {
            refuseRefusedParameter(e);
            throw new SchemaException("cannot read the schema version of " + config + ": " + firstLine(e), e);
        }
    }

    private void refuseMissing(MigrationInfoService found) {
        Set<String> present =
                Arrays.stream(found.applied()).map(MigrationInfo::getScript).collect(Collectors.toSet());
        List<String> missing = Arrays.stream(found.pending())
                .map(MigrationInfo::getScript)
                .filter(script -> !present.contains(script))
                .toList();
        if (!missing.isEmpty()) {
            throw new SchemaException(
                    "schema '" + config.schema() + "' of " + config.database() + " lacks " + missing.size()
                            + " migrations of this release, the first is '" + missing.getFirst() + "'; run 'migrate'",
                    null);
        }
    }

    // An older server stops in the middle of a migration at a word it does not know; other encodings lack letters.
    private void refuseUnfit() {
        try (Connection connection = flyway.getConfiguration().getDataSource().getConnection();
                Statement query = connection.createStatement();
                ResultSet encoding = query.executeQuery("select current_setting('server_encoding')")) {
            encoding.next();
            String refusal = ServerVersion.refusal(
                    connection.getMetaData().getDatabaseMajorVersion(),
                    connection.getMetaData().getDatabaseProductVersion(),
                    encoding.getString(1));
            if (refusal != null) {
                throw new SchemaException("cannot work with " + config + ": " + refusal, null);
            }
        } catch (SQLException e) {
            throw new FlywayException(e);
        }
    }

    // Flyway's own baseline does not tell: it overlooks tables that an extension made.
    private boolean hasJobs() {
        return answersYes("select to_regclass(?) is not null", config.schema() + ".jobs");
    }

    private boolean answersYes(String sql, String argument) {
        try (Connection connection = flyway.getConfiguration().getDataSource().getConnection();
                PreparedStatement query = connection.prepareStatement(sql)) {
            query.setString(1, argument);
            try (ResultSet answer = query.executeQuery()) {
                return answer.next() && answer.getBoolean(1);
            }
        } catch (SQLException e) {
            throw new FlywayException(e);
        }
    }

    // One that nobody told us of shows by dropping the start-up parameter that the functions need.
    private void refusePooler(int files) {
        if (config.pooled() || !answersYes("select current_setting(?) = 'off'", "check_function_bodies")) {
            throw new SchemaException(
                    "cannot migrate " + config + " through a pooler, and " + files + " files are to be applied; "
                            + GO_ROUND,
                    null);
        }
    }

    // Its SQLSTATE is one of lost connections, but waiting does not help.
    private void refuseRefusedParameter(FlywayException e) {
        if (firstLine(e).contains("unsupported startup parameter")) {
            throw new SchemaException(
                    "cannot migrate or check " + config + ": " + firstLine(e)
                            + " - it looks as if a pooler stands before the database; set POSTERN_POOLER=true, and for"
                            + " migrations " + GO_ROUND,
                    null);
        }
    }

    private boolean newer(MigrationInfoService found) {
        List<MigrationInfo> unknown = Arrays.stream(found.applied())
                .filter(SchemaMigrator::ofTheFuture)
                .toList();
        if (unknown.isEmpty()) {
            return false;
        }
        String known = newestKnown(found);
        for (MigrationInfo migration : unknown) {
            Matcher contract = CONTRACT.matcher(migration.getDescription());
            if (contract.matches()
                    && MigrationVersion.fromVersion(known).compareTo(MigrationVersion.fromVersion(contract.group(1)))
                            < 0) {
                throw new SchemaException(
                        "schema '" + config.schema() + "' of " + config.database() + " is at version "
                                + unknown.getLast().getVersion() + ", this release knows " + known + ", and version "
                                + migration.getVersion() + " took away what releases before " + contract.group(1)
                                + " need; run a release that knows " + contract.group(1),
                        null);
            }
        }
        return true;
    }

    private static boolean ofTheFuture(MigrationInfo migration) {
        return migration.getState() == MigrationState.FUTURE_SUCCESS && migration.getVersion() != null;
    }

    private static String newestKnown(MigrationInfoService found) {
        return Arrays.stream(found.all())
                .filter(m -> m.getVersion() != null && m.getPhysicalLocation() != null)
                .filter(m -> !ofTheFuture(m))
                .map(m -> m.getVersion().getVersion())
                .reduce("0", (earlier, later) -> later);
    }

    private static String firstLine(Throwable e) {
        Throwable root = e;
        while (root.getCause() != null) {
            root = root.getCause();
        }
        return String.valueOf(root.getMessage()).lines().findFirst().orElse(root.toString());
    }
}
