package dev.postern.chaos;

import java.nio.file.Path;
import java.time.InstantSource;
import java.util.Map;
import java.util.SplittableRandom;
import picocli.CommandLine;

/** The entry of {@code ./postern chaos}, and the only place here that looks at the environment. */
public final class Main {

    private Main() {}

    /** Runs the command and exits with its code: 0 every rule held, 1 one was broken, 2 misused. */
    public static void main(String[] arguments) {
        // Before the first logger.
        System.setProperty("logback.configurationFile", "logback-chaos.xml");
        Map<String, String> environment = System.getenv();
        Path data = Path.of(environment.getOrDefault("POSTERN_HOME", "."))
                .resolve(".postern")
                .resolve("chaos")
                .toAbsolutePath()
                .normalize();
        ChaosCommand command = new ChaosCommand(data, InstantSource.system(), new SplittableRandom());
        System.exit(new CommandLine(command)
                .setCommandName("./postern chaos")
                .setExecutionExceptionHandler((failure, line, parsed) -> {
                    line.getErr().println("postern: " + failure);
                    return 1;
                })
                .execute(arguments));
    }
}
