package dev.postern.functions.requestsreminder;

import dev.postern.functions.runtime.FunctionProcess;
import java.time.Clock;

/** The process: the runtime's settings, no others. */
public final class Main {

    private Main() {}

    /** Starts and returns; SIGTERM ends the process. */
    public static void main(String[] args) {
        FunctionProcess.run(
                "requests-reminder",
                ReminderPayload.class,
                System.getenv(),
                settings -> new RequestsReminder(Clock.systemUTC()));
    }
}
