package dev.postern.service.cli;

import dev.postern.sql.DeadLetters;
import java.io.PrintWriter;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** Deletes dead letters. */
@Command(
        name = "purge",
        description = {
            "Deletes dead letters for good; no history keeps them.",
            "Name them by ID or by options, or say --all; and say --yes."
        },
        mixinStandardHelpOptions = true)
final class PurgeCommand implements Callable<Integer> {

    private final Context context;

    @Mixin
    DeadLetterFilter letters = new DeadLetterFilter();

    @Option(names = "--all", description = "All dead letters.")
    boolean all;

    @Option(names = "--dry-run", description = "Only say how many it would be.")
    boolean dryRun;

    @Option(names = "--yes", description = "Do delete them.")
    boolean yes;

    @Spec
    @SuppressWarnings("NullAway.Init") // picocli sets it before the command runs.
    CommandSpec spec;

    PurgeCommand(Context context) {
        this.context = context;
    }

    @Override
    public Integer call() {
        PrintWriter out = spec.commandLine().getOut();
        PrintWriter err = spec.commandLine().getErr();
        if (letters.namesNone() != all) {
            err.println("postern: name the dead letters to purge by ID or by options such as --task, or say --all");
            return 2;
        }
        return context.withPool("postern purge", (database, pool) -> {
            DeadLetters store = new DeadLetters(pool, database.schema());
            DeadLetters.Filter filter = letters.filter().upTo(store.now().await());
            if (!yes && !dryRun) {
                err.println("postern: this would delete "
                        + DeadLetterBatches.count(store.countToPurge(filter).await())
                        + " for good; say --yes to do it");
                return 2;
            }
            long number = dryRun
                    ? store.countToPurge(filter).await()
                    : DeadLetterBatches.run(filter, rest -> store.purge(rest, DeadLetterBatches.SIZE), "purged", err);
            out.println((dryRun ? "would purge " : "purged ") + DeadLetterBatches.count(number));
            out.flush();
            return letters.allFound(number, err);
        });
    }
}
