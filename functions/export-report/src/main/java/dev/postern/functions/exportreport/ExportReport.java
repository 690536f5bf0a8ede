package dev.postern.functions.exportreport;

import com.fasterxml.jackson.annotation.JsonInclude;
import dev.postern.functions.exportreport.ExportDirectory.Draft;
import dev.postern.functions.exportreport.ExportPayload.Format;
import dev.postern.functions.postgres.FunctionDatabase;
import dev.postern.functions.runtime.Answer;
import dev.postern.functions.runtime.JobContext;
import dev.postern.functions.runtime.JobFunction;
import dev.postern.functions.runtime.PermanentFailure;
import dev.postern.functions.runtime.RetryLater;
import java.io.IOException;
import java.net.URI;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.Set;
import java.util.UUID;
import org.jspecify.annotations.Nullable;

/** Payload, query, rows, checksum, file, result: six steps, each told as progress. */
final class ExportReport implements JobFunction<ExportPayload> {

    private static final int STEPS = 6;
    private static final int ROWS_AT_A_TIME = 1000;

    /**
     * Classes of SQLSTATE that come from the report's text or the role's rights: unsupported, wrong data, read-only, wrong
     * query. Trying again changes nothing.
     */
    private static final Set<String> REFUSALS = Set.of("0A", "22", "25", "42");

    private final FunctionDatabase database;
    private final ReportCatalogue reports;
    private final ExportDirectory directory;
    private final ExportConfig config;
    private final Clock clock;

    /** The job's result. */
    @JsonInclude(JsonInclude.Include.NON_NULL)
    record Export(
            URI downloadUrl,
            long fileSize,
            long recordCount,
            String sha256,
            Instant generatedAt,
            String reportType,
            Format format) {}

    ExportReport(
            FunctionDatabase database,
            ReportCatalogue reports,
            ExportDirectory directory,
            ExportConfig config,
            Clock clock) {
        this.database = database;
        this.reports = reports;
        this.directory = directory;
        this.config = config;
        this.clock = clock;
    }

    @Override
    public Answer handle(ExportPayload payload, JobContext context) throws IOException, SQLException {
        context.step(1, STEPS, "checking what is asked for");
        UUID tenant = FunctionDatabase.tenant(context.job());
        String query = reports.query(payload.reportType());
        try (Draft draft = directory.draft(tenant)) {
            context.step(2, STEPS, "asking the database for " + payload.reportType());
            long rows = rows(payload, tenant, query, draft, context);
            context.step(4, STEPS, "checking " + rows + " rows");
            String sha256 = draft.seal();
            context.step(5, STEPS, "putting the file in its place");
            ExportDirectory.Published file =
                    draft.publish(name(payload, context.job().id()));
            context.step(6, STEPS, "removing files that are too old");
            directory.removeExpired(tenant);
            return Answer.of(new Export(
                    file.url(), file.size(), rows, sha256, clock.instant(), payload.reportType(), payload.format()));
        }
    }

    /** The job's id makes it unique, so another attempt of the job replaces the file and no other job does. */
    private static String name(ExportPayload payload, @Nullable String jobId) {
        String job = jobId == null ? UUID.randomUUID().toString() : jobId.replaceAll("[^A-Za-z0-9_-]", "_");
        return payload.reportType() + "-" + job + "." + payload.format().extension();
    }

    private long rows(ExportPayload payload, UUID tenant, String query, Draft draft, JobContext context)
            throws IOException, SQLException {
        try {
            return database.readAs(config.role(), tenant, context.job(), connection -> {
                set(connection, "export.date_from", payload.filters().dateFrom());
                set(connection, "export.date_to", payload.filters().dateTo());
                RowWriter writer = switch (payload.format()) {
                    case CSV -> new CsvWriter(draft.out());
                    case JSON -> new JsonWriter(draft.out());
                };
                // In brackets a statement that writes does not parse. That keeps mistakes out and no author of a
                // report,
                // who could close the bracket; and it is not prepared, or a ? of jsonb would be a parameter.
                try (Statement statement = connection.createStatement()) {
                    statement.setFetchSize(ROWS_AT_A_TIME);
                    try (ResultSet rows =
                            statement.executeQuery("select " + writer.columns() + " from (\n" + query + "\n) r")) {
                        return write(rows, writer, context);
                    }
                }
            });
        } catch (SQLException e) {
            if (e.getSQLState() != null && REFUSALS.contains(e.getSQLState().substring(0, 2))) {
                throw PermanentFailure.withCode(
                        "REPORT_QUERY_REFUSED",
                        "the query of " + payload.reportType() + " does not run as " + config.role() + ": "
                                + e.getMessage(),
                        e);
            }
            throw e;
        }
    }

    private long write(ResultSet rows, RowWriter writer, JobContext context) throws SQLException, IOException {
        long count = 0;
        context.step(3, STEPS, "writing rows");
        writer.begin(rows.getMetaData());
        while (rows.next()) {
            if (count == config.mostRows()) {
                throw PermanentFailure.withCode(
                        "TOO_MANY_ROWS",
                        "the report has more than " + config.mostRows()
                                + " rows; ask for fewer days, or raise EXPORT_MAX_ROWS");
            }
            writer.row(rows);
            count++;
            if (count % ROWS_AT_A_TIME == 0 && context.cancelled()) {
                // Nobody hears it; it only ends the transaction and the draft without an alarm in the log.
                throw new RetryLater(
                        Duration.ofSeconds(1), "stopped after " + count + " rows: nobody wants the outcome any more");
            }
        }
        writer.end();
        return count;
    }

    private static void set(Connection connection, String name, @Nullable String value) throws SQLException {
        try (PreparedStatement statement = connection.prepareStatement("select set_config(?, ?, true)")) {
            statement.setString(1, name);
            statement.setString(2, value == null ? "" : value);
            statement.execute();
        }
    }
}
