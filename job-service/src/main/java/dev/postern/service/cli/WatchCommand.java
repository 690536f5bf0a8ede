package dev.postern.service.cli;

import com.fasterxml.jackson.databind.JsonNode;
import dev.postern.service.client.ApiClient;
import dev.postern.service.client.JobEvents;
import java.io.PrintWriter;
import java.time.Duration;
import java.time.temporal.ChronoUnit;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.ParentCommand;
import picocli.CommandLine.Spec;

/** Follows a job to its end. */
@Command(
        name = "watch",
        description = {
            "Shows a job's progress until it has ended; where the output is no terminal, a line for each change.",
            "When the API is gone for a while, it waits and goes on where it was."
        },
        exitCodeListHeading = "Exit codes:%n",
        exitCodeList = {
            "0:the job succeeded",
            "1:it could not be watched",
            "2:misused",
            "3:the job failed",
            "4:the job was cancelled",
            "5:there is no such job",
            "6:the API refuses the caller",
            "7:the API is not there, or was away for too long"
        },
        mixinStandardHelpOptions = true)
final class WatchCommand implements Callable<Integer> {

    private static final int FAILED = 3;
    private static final int CANCELLED = 4;

    /** Back to the line's beginning, and nothing of the old one stays. */
    private static final String AGAIN = "\r\u001b[K";

    private final Context context;

    @ParentCommand
    @SuppressWarnings("NullAway.Init") // picocli sets it before the command runs.
    JobsCommand jobs;

    @Parameters(paramLabel = "JOB", description = "The job's id.")
    long jobId;

    @Option(names = "--json", description = "Each state as a JSON object a line.")
    boolean json;

    @Option(names = "--plain", description = "Lines, also on a terminal.")
    boolean plain;

    @Option(
            names = "--patience",
            paramLabel = "SECONDS",
            defaultValue = "300",
            description = "How long the API may be away meanwhile; ${DEFAULT-VALUE} if left out.")
    int patience = 300;

    @Spec
    @SuppressWarnings("NullAway.Init") // picocli sets it before the command runs.
    CommandSpec spec;

    WatchCommand(Context context) {
        this.context = context;
    }

    @Override
    public Integer call() {
        if (patience < 0) {
            throw new ParameterException(spec.commandLine(), "--patience must not be negative");
        }
        int columns = json || plain ? 0 : context.columns();
        Screen screen =
                new Screen(spec.commandLine().getOut(), spec.commandLine().getErr(), columns);
        try (ApiClient api = jobs.open()) {
            JsonNode last = new JobEvents(api, Duration.ofSeconds(patience), System::nanoTime).follow(jobId, screen);
            return screen.end(last);
        } finally {
            screen.close();
        }
    }

    private final class Screen implements JobEvents.Listener {

        private final PrintWriter out;
        private final PrintWriter err;
        private final int columns;
        private @Nullable JsonNode latest;
        private boolean away;
        private boolean drawn;

        Screen(PrintWriter out, PrintWriter err, int columns) {
            this.out = out;
            this.err = err;
            this.columns = columns;
        }

        @Override
        public void changed(JsonNode status) {
            latest = status;
            if (columns > 0) {
                draw();
                return;
            }
            JsonNode job = status.path("job");
            String progress = JobLines.progress(job);
            String note = JobLines.note(job);
            out.println(
                    json
                            ? status.toString()
                            : Context.clock().instant().truncatedTo(ChronoUnit.SECONDS) + "  job " + jobId + "  "
                                    + JobLines.text(job, "status") + (progress.isEmpty() ? "" : "  " + progress)
                                    + (note.isEmpty() ? "" : "  " + note));
            out.flush();
        }

        @Override
        public void waiting() {
            if (columns > 0) {
                draw();
            }
        }

        @Override
        public void lost(String why) {
            away = true;
            if (columns > 0) {
                draw();
            } else {
                err.println("postern: " + why + "; waiting for it up to " + patience + " s");
                err.flush();
            }
        }

        @Override
        public void found() {
            away = false;
            if (columns == 0) {
                err.println("postern: the API is back");
                err.flush();
            }
        }

        private void draw() {
            if (latest != null) {
                String word = away ? "the API is away, waiting" : "";
                out.print(AGAIN + ProgressBar.line(latest, Context.clock().instant(), columns, word));
                out.flush();
                drawn = true;
            }
        }

        int end(JsonNode last) {
            if (!json) {
                close();
                out.println(JobLines.end(last));
                out.flush();
            }
            return switch (JobLines.text(last.path("job"), "status")) {
                case "succeeded" -> 0;
                case "failed" -> FAILED;
                default -> CANCELLED;
            };
        }

        // What is printed next, an error included, stands in a line of its own.
        void close() {
            if (drawn) {
                drawn = false;
                out.println();
                out.flush();
            }
        }
    }
}
