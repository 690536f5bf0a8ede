package dev.postern.service.cli;

import dev.postern.service.client.ApiClient;
import dev.postern.sql.DeadLetters;
import java.io.PrintWriter;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** Revives dead letters. */
@Command(
        name = "replay",
        description = {
            "Tries dead letters again: attempts start over, errors are kept.",
            "Name them by ID or by options, or say --all. Jobs that a newer one of their key superseded need their ID.",
            "Of the database, or with --api or POSTERN_API_URL those that the HTTP API shows its caller."
        },
        mixinStandardHelpOptions = true)
final class ReplayCommand implements Callable<Integer> {

    private final Context context;

    @Mixin
    ApiOptions api = new ApiOptions();

    @Mixin
    DeadLetterFilter letters = new DeadLetterFilter();

    @Option(names = "--all", description = "All dead letters.")
    boolean all;

    @Option(names = "--dry-run", description = "Only say how many it would be.")
    boolean dryRun;

    @Option(names = "--by", paramLabel = "NAME", description = "Who does it, kept with the jobs; $USER if left out.")
    @Nullable
    String by;

    @Spec
    @SuppressWarnings("NullAway.Init") // picocli sets it before the command runs.
    CommandSpec spec;

    ReplayCommand(Context context) {
        this.context = context;
    }

    @Override
    public Integer call() {
        PrintWriter out = spec.commandLine().getOut();
        PrintWriter err = spec.commandLine().getErr();
        if (letters.namesNone() != all) {
            err.println("postern: name the dead letters to replay by ID or by options such as --task, or say --all");
            return 2;
        }
        if (api.chosen(context)) {
            return overApi(out, err);
        }
        String name = by == null ? context.environment().getOrDefault("USER", "") : by;
        if (name.isBlank() && !dryRun) {
            err.println("postern: say who replays: --by NAME (USER is not set)");
            return 2;
        }
        return context.withPool("postern replay", (database, pool) -> {
            DeadLetters store = new DeadLetters(pool, database.schema());
            DeadLetters.Filter filter = letters.filter().upTo(store.now().await());
            long number = dryRun
                    ? store.countToReplay(filter).await()
                    : DeadLetterBatches.run(
                            filter, rest -> store.replay(rest, name, DeadLetterBatches.SIZE), "replayed", err);
            return say(number, out, err);
        });
    }

    private int overApi(PrintWriter out, PrintWriter err) {
        try (ApiClient client = api.open(context, letters.databaseId, by)) {
            ApiDeadLetters store = new ApiDeadLetters(client);
            return say(dryRun ? store.countToReplay(letters) : store.replay(letters), out, err);
        }
    }

    private int say(long number, PrintWriter out, PrintWriter err) {
        out.println((dryRun ? "would replay " : "replayed ") + DeadLetterBatches.count(number));
        out.flush();
        return letters.allFound(number, err);
    }
}
