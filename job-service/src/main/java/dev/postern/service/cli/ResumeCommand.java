package dev.postern.service.cli;

import dev.postern.sql.JobLimits;
import dev.postern.sql.JobLimits.Scope;
import java.io.PrintWriter;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Spec;

/** Ends a pause. */
@Command(name = "resume", description = "Ends a pause; 1 when there was none.", mixinStandardHelpOptions = true)
final class ResumeCommand implements Callable<Integer> {

    private final Context context;

    @Mixin
    PauseScope named = new PauseScope();

    @Spec
    @SuppressWarnings("NullAway.Init") // picocli sets it before the command runs.
    CommandSpec spec;

    ResumeCommand(Context context) {
        this.context = context;
    }

    @Override
    public Integer call() {
        PrintWriter out = spec.commandLine().getOut();
        PrintWriter err = spec.commandLine().getErr();
        if (named.unclear()) {
            err.println("postern: name what to resume: --task TASK, or --tenant UUID, or --tenant UUID --queue QUEUE");
            return 2;
        }
        Scope scope = named.scope();
        return context.withPool("postern resume", (database, pool) -> {
            boolean resumed =
                    new JobLimits(pool, database.schema()).resume(scope).await();
            out.println(scope + (resumed ? " is resumed" : " was not paused"));
            out.flush();
            return resumed ? 0 : 1;
        });
    }
}
