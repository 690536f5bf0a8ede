package dev.postern.functions.exportreport;

import dev.postern.functions.postgres.FunctionDatabase;
import dev.postern.functions.runtime.FunctionProcess;
import dev.postern.functions.runtime.Settings;
import java.time.Clock;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The process: settings from the environment (docs/sample-functions.md). */
public final class Main {

    static final String NAME = "export-report";

    private static final Logger LOG = LoggerFactory.getLogger(Main.class);

    private Main() {}

    /** Starts and returns; SIGTERM ends the process. */
    public static void main(String[] args) {
        FunctionProcess.run(NAME, ExportPayload.class, System.getenv(), settings -> wire(settings, Clock.systemUTC()));
    }

    static ExportReport wire(Settings settings, Clock clock) {
        ExportConfig config = ExportConfig.from(settings);
        ReportCatalogue reports = ReportCatalogue.read(settings);
        FunctionDatabase database = FunctionDatabase.from(NAME, settings, clock);
        settings.refuseMistakes();
        LOG.atInfo()
                .addKeyValue("directory", config.directory())
                .addKeyValue("url", config.baseUrl())
                .addKeyValue("role", config.role())
                .addKeyValue("reports", reports.names())
                .log("settings");
        return new ExportReport(database, reports, new ExportDirectory(config, clock), config, clock);
    }
}
