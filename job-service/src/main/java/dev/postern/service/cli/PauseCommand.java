package dev.postern.service.cli;

import dev.postern.sql.JobLimits;
import dev.postern.sql.JobLimits.Scope;
import java.io.PrintWriter;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** Pauses a task, a tenant or a queue. */
@Command(
        name = "pause",
        description = "Stops the claims of a task, a tenant or a queue until it is resumed; what runs goes on.",
        mixinStandardHelpOptions = true)
final class PauseCommand implements Callable<Integer> {

    private final Context context;

    @Mixin
    PauseScope named = new PauseScope();

    @Option(names = "--by", paramLabel = "NAME", description = "Who does it, for those who ask; $USER if left out.")
    @Nullable
    String by;

    @Spec
    @SuppressWarnings("NullAway.Init") // picocli sets it before the command runs.
    CommandSpec spec;

    PauseCommand(Context context) {
        this.context = context;
    }

    @Override
    public Integer call() {
        PrintWriter out = spec.commandLine().getOut();
        PrintWriter err = spec.commandLine().getErr();
        if (named.unclear()) {
            err.println("postern: name what to pause: --task TASK, or --tenant UUID, or --tenant UUID --queue QUEUE");
            return 2;
        }
        if (JobLimits.EVERY_TENANT.equals(named.tenant)) {
            err.println("postern: tenant " + named.tenant + " stands for the settings of all tenants, and cannot be"
                    + " paused; pause tasks or tenants");
            return 2;
        }
        String name = by == null ? context.environment().getOrDefault("USER", "") : by;
        if (name.isBlank()) {
            err.println("postern: say who pauses: --by NAME (USER is not set)");
            return 2;
        }
        Scope scope = named.scope();
        return context.withPool("postern pause", (database, pool) -> {
            out.println(new JobLimits(pool, database.schema())
                    .pause(scope, name)
                    .await()
                    .map(pause -> scope + " is paused by " + pause.by() + " since " + pause.at())
                    .orElse(scope + " was paused, and somebody has resumed it"));
            out.flush();
            return 0;
        });
    }
}
