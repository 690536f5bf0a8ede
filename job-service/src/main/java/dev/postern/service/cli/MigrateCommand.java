package dev.postern.service.cli;

import dev.postern.sql.DatabaseConfig;
import dev.postern.sql.SchemaMigrator;
import java.io.PrintWriter;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Spec;

/** Brings the schema up to date. */
@Command(
        name = "migrate",
        description = "Builds the schema, or adopts in place what pgpm-database-jobs 0.15 made; safe to run again.")
final class MigrateCommand implements Callable<Integer> {

    private final Context context;

    @Spec
    @SuppressWarnings("NullAway.Init") // picocli sets it before the command runs.
    CommandSpec spec;

    MigrateCommand(Context context) {
        this.context = context;
    }

    @Override
    public Integer call() {
        DatabaseConfig database = context.database();
        SchemaMigrator.Report report = new SchemaMigrator(database).migrate();
        PrintWriter out = spec.commandLine().getOut();
        if (report.newer()) {
            out.println("schema '" + database.schema() + "' is of a newer release, and left as it is");
        } else if (report.applied() == 0) {
            out.println("schema '" + database.schema() + "' is up to date");
        } else {
            out.println((report.adopted() ? "adopted" : "migrated") + " schema '" + database.schema() + "': "
                    + report.applied() + " files applied");
        }
        out.flush();
        return 0;
    }
}
