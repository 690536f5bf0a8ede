package dev.postern.bench;

import java.nio.file.Path;
import java.time.InstantSource;
import java.util.Map;
import picocli.CommandLine;

/** The entry of {@code ./postern bench}, and the only place here that looks at the environment. */
public final class Main {

    private Main() {}

    /** Runs the command and exits with its code: 0 measured (targets missed or not), 1 could not, 2 misused. */
    public static void main(String[] arguments) {
        // Before the first logger.
        System.setProperty("logback.configurationFile", "logback-bench.xml");
        Map<String, String> environment = System.getenv();
        Path home = Path.of(environment.getOrDefault("POSTERN_HOME", "."))
                .toAbsolutePath()
                .normalize();
        System.exit(new CommandLine(new BenchCommand(home, InstantSource.system()))
                .setCommandName("./postern bench")
                .setExecutionExceptionHandler((failure, line, parsed) -> {
                    line.getErr().println("postern: " + message(failure));
                    return 1;
                })
                .execute(arguments));
    }

    private static String message(Exception failure) {
        String said = failure.getMessage();
        return failure instanceof BenchException && said != null ? said : failure.toString();
    }
}
