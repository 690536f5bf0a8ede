package dev.postern.service.cli;

import dev.postern.api.ApiConfig;
import dev.postern.sql.DatabaseConfig;
import dev.postern.worker.WorkerListener;
import java.io.PrintStream;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.concurrent.CountDownLatch;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** Runs everything on this machine until Ctrl-C. */
@Command(
        name = "up",
        description = {
            "Runs everything on this machine until Ctrl-C.",
            "Postgres with a kept data directory where no database is configured, the service in all roles, and the"
                    + " sample functions."
        })
final class UpCommand implements Callable<Integer> {

    private final Context context;

    @Option(names = "--no-functions", description = "Without the sample functions; set FUNCTION_URL to your own.")
    boolean noFunctions;

    UpCommand(Context context) {
        this.context = context;
    }

    @Override
    @SuppressWarnings("SystemOut") // What the command says is its result.
    public Integer call() throws InterruptedException {
        PrintStream out = System.out;
        LocalStack stack = new LocalStack(context, context.data(), out::println);
        Thread closing = new Thread(
                () -> {
                    out.println("stopping");
                    stack.close();
                },
                "shutdown");
        Runtime.getRuntime().addShutdownHook(closing);
        stack.start(false, noFunctions ? Set.of() : LocalStack.FUNCTIONS, Map.of(), WorkerListener.NONE);
        DatabaseConfig database = stack.database();
        out.println();
        out.println("Postern is up. Ctrl-C stops it; the data stay in " + context.data() + ".");
        out.println("  SQL        psql -h " + database.host() + " -p " + database.port() + " -U " + database.user()
                + " " + database.database());
        out.println("             select id from " + database.schema()
                + ".add_job('00000000-0000-0000-0000-000000000001', '" + (noFunctions ? "your-task" : "system-ping")
                + "', '{}');");
        api(stack.service().apiPort()).forEach(out::println);
        out.println("  callbacks  http://127.0.0.1:" + stack.service().callbackPort() + "/callback");
        out.println("  metrics    http://127.0.0.1:" + stack.service().httpPort() + "/metrics");
        if (!noFunctions) {
            out.println("  mails      " + stack.mails()
                    + " (send-email-link and simple-email do not send; see their settings)");
            out.println(
                    "  files      " + stack.exports() + " of export-report, " + stack.passports() + " of generate-qr");
            out.println("  logs       " + stack.logs());
        }
        out.println("  look       ./postern status");
        out.println();
        new CountDownLatch(1).await();
        return 0;
    }

    // With the address where the commands would look elsewhere.
    private List<String> api(int port) {
        if (port == 0) {
            return List.of("  API        is not served: the log above says why");
        }
        String url = "http://127.0.0.1:" + port;
        String keys = context.environment().getOrDefault("POSTERN_API_KEYS", "").strip();
        List<String> lines = new ArrayList<>();
        if (keys.isEmpty()) {
            lines.add("  API        curl " + url + "/v1/jobs");
        } else {
            // The shell beside this one does not know them.
            lines.add("  API        export POSTERN_API_KEYS='" + keys.replace("'", "'\\''") + "'");
            lines.add("             export POSTERN_API_TOKEN=$(./postern token)");
            lines.add("             curl -H \"Authorization: Bearer $POSTERN_API_TOKEN\" " + url + "/v1/jobs");
        }
        lines.add("             ./postern jobs list" + (port == ApiConfig.DEFAULT_PORT ? "" : " --api " + url));
        return lines;
    }
}
