package dev.postern.service;

import dev.postern.service.cli.Postern;
import dev.postern.sql.DatabaseConfig;
import dev.postern.sql.JobDatabase;
import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.Map;

/** What a command of {@code ./postern} printed, and how it ended. */
record Ran(int code, String out, String err) {

    /** The variables that lead a command to a test's database. */
    static Map<String, String> environment(JobDatabase database) {
        DatabaseConfig config = database.config();
        return Map.of(
                "PGHOST", config.host(),
                "PGPORT", Integer.toString(config.port()),
                "PGUSER", config.user(),
                "PGPASSWORD", config.password(),
                "PGDATABASE", config.database());
    }

    /** Runs a command on a test's database, as the user {@code operator}. */
    static Ran postern(JobDatabase database, String... arguments) {
        return postern(database, Map.of("USER", "operator"), arguments);
    }

    /** With other variables beside those of the database. */
    static Ran postern(JobDatabase database, Map<String, String> others, String... arguments) {
        Map<String, String> environment = new HashMap<>(environment(database));
        environment.putAll(others);
        return run(environment, arguments);
    }

    /** With these variables only. */
    static Ran run(Map<String, String> environment, String... arguments) {
        PrintStream out = System.out;
        PrintStream err = System.err;
        ByteArrayOutputStream outBytes = new ByteArrayOutputStream();
        ByteArrayOutputStream errBytes = new ByteArrayOutputStream();
        System.setOut(new PrintStream(outBytes, true, StandardCharsets.UTF_8));
        System.setErr(new PrintStream(errBytes, true, StandardCharsets.UTF_8));
        try {
            int code = Postern.run(environment, arguments);
            return new Ran(code, outBytes.toString(StandardCharsets.UTF_8), errBytes.toString(StandardCharsets.UTF_8));
        } finally {
            System.setOut(out);
            System.setErr(err);
        }
    }
}
