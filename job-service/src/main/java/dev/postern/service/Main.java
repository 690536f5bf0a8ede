package dev.postern.service;

import dev.postern.service.cli.Postern;
import java.util.Map;

/** The process's entry, and the only place that looks at the environment. */
public final class Main {

    private Main() {}

    /** Runs a command and exits with its code: 0 done, 1 failed, 2 misused. */
    public static void main(String[] arguments) {
        Map<String, String> environment = System.getenv();
        String command = arguments.length == 0 ? "" : arguments[0];
        // Before the first logger: services speak JSON to collectors, people's commands speak text.
        boolean json = environment
                .getOrDefault("POSTERN_LOG", command.equals("serve") || command.equals("migrate") ? "json" : "text")
                .equals("json");
        System.setProperty("logback.configurationFile", json ? "logback-json.xml" : "logback-text.xml");
        if (!environment.containsKey("POSTERN_LOG_LEVEL") && Postern.QUIET.contains(command)) {
            System.setProperty("POSTERN_LOG_LEVEL", "error");
        }
        System.exit(Postern.run(environment, arguments));
    }
}
