package dev.postern.functions.systemping;

import com.fasterxml.jackson.databind.JsonNode;
import dev.postern.functions.runtime.FunctionProcess;
import java.time.Clock;

/** The process: settings from the environment (docs/configuration.md), no others than the runtime's. */
public final class Main {

    private Main() {}

    /** Starts and returns; SIGTERM ends the process. */
    public static void main(String[] args) {
        FunctionProcess.run(
                "system-ping", JsonNode.class, System.getenv(), settings -> new SystemPing(Clock.systemUTC()));
    }
}
