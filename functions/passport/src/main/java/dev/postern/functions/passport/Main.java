package dev.postern.functions.passport;

import dev.postern.functions.postgres.FunctionDatabase;
import dev.postern.functions.runtime.FunctionProcess;
import dev.postern.functions.runtime.Settings;
import java.time.Clock;
import java.util.Map;
import javax.sql.DataSource;
import org.flywaydb.core.Flyway;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The process: settings from the environment (docs/sample-functions.md). */
public final class Main {

    static final String NAME = "passport";

    private static final Logger LOG = LoggerFactory.getLogger(Main.class);

    /** With the pauses below more than an hour: a pod is restarted anyway when it does not listen. */
    private static final int CONNECT_TRIES = 1000;

    private static final int CONNECT_PAUSE_SECONDS = 5;

    private Main() {}

    /** Starts and returns; SIGTERM ends the process. */
    public static void main(String[] args) {
        FunctionProcess.run(NAME, StepPayload.class, System.getenv(), settings -> wire(settings, Clock.systemUTC()));
    }

    static PassportPipeline wire(Settings settings, Clock clock) {
        PassportConfig config = PassportConfig.from(settings);
        FunctionDatabase database = FunctionDatabase.from(NAME, settings, clock);
        settings.refuseMistakes();
        if (config.migrate()) {
            migrate(database.source(), config.jobsSchema());
        }
        LOG.atInfo()
                .addKeyValue("tasks", config.tasks())
                .addKeyValue("signingKey", config.signingKey())
                .addKeyValue("files", config.files())
                .log("settings");
        return new PassportPipeline(database, config);
    }

    /** Several processes may do it at once: they come one after the other. Waits for the database. */
    static void migrate(DataSource source, String jobsSchema) {
        Flyway.configure()
                .dataSource(source)
                .schemas(PassportStore.SCHEMA)
                .locations("classpath:dev/postern/functions/passport/migrations")
                .placeholders(Map.of("schema", PassportStore.SCHEMA, "jobs", jobsSchema))
                .connectRetries(CONNECT_TRIES)
                .connectRetriesInterval(CONNECT_PAUSE_SECONDS)
                .load()
                .migrate();
    }
}
