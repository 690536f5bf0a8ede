package dev.postern.service.cli;

import dev.postern.service.client.ApiClient;
import dev.postern.sql.DeadLetters;
import dev.postern.sql.DeadLetters.DeadLetter;
import io.vertx.core.json.Json;
import io.vertx.core.json.JsonArray;
import io.vertx.core.json.JsonObject;
import java.io.PrintWriter;
import java.time.OffsetDateTime;
import java.time.ZoneOffset;
import java.time.temporal.ChronoUnit;
import java.util.List;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** Lists dead letters. */
@Command(
        name = "dead-letters",
        description = {
            "Lists jobs that will not be tried any more, the newest first.",
            "'./postern status ID' shows one with its failed attempts, './postern replay' tries them again.",
            "Of the database, or with --api or POSTERN_API_URL those that the HTTP API shows its caller."
        },
        mixinStandardHelpOptions = true)
final class DeadLettersCommand implements Callable<Integer> {

    private static final int ERROR_LENGTH = 100;

    private final Context context;

    @Mixin
    ApiOptions api = new ApiOptions();

    @Mixin
    DeadLetterFilter letters = new DeadLetterFilter();

    @Option(
            names = "--limit",
            paramLabel = "N",
            defaultValue = "20",
            description = "How many at most; ${DEFAULT-VALUE} if left out.")
    int limit = 20;

    @Option(names = "--json", description = "All of each, a JSON object a line.")
    boolean json;

    @Spec
    @SuppressWarnings("NullAway.Init") // picocli sets it before the command runs.
    CommandSpec spec;

    DeadLettersCommand(Context context) {
        this.context = context;
    }

    @Override
    public Integer call() {
        if (limit < 1) {
            spec.commandLine().getErr().println("postern: --limit must be at least 1, is " + limit);
            return 2;
        }
        PrintWriter out = spec.commandLine().getOut();
        // One more than is shown, to know whether there are more.
        int most = json ? limit : limit + 1;
        List<DeadLetter> found = api.chosen(context) ? ofApi(most) : ofDatabase(most);
        if (json) {
            found.forEach(letter -> out.println(object(letter).encode()));
        } else {
            table(found, out);
        }
        out.flush();
        return 0;
    }

    private List<DeadLetter> ofDatabase(int most) {
        return context.withPool(
                "postern dead-letters",
                (database, pool) -> new DeadLetters(pool, database.schema())
                        .newest(letters.filter(), most)
                        .await());
    }

    private List<DeadLetter> ofApi(int most) {
        try (ApiClient client = api.open(context, letters.databaseId, null)) {
            return new ApiDeadLetters(client).newest(letters, most);
        }
    }

    private void table(List<DeadLetter> found, PrintWriter out) {
        if (found.isEmpty()) {
            out.println("no dead letters");
            return;
        }
        List<DeadLetter> shown = found.subList(0, Math.min(limit, found.size()));
        int width =
                shown.stream().mapToInt(letter -> letter.task().length()).max().orElse(4);
        String row = "%12s  %-20s  %-" + Math.max(4, width) + "s  %8s  %s%n";
        out.printf(row, "id", "died at (UTC)", "task", "attempts", "last error");
        for (DeadLetter letter : shown) {
            out.printf(
                    row,
                    letter.id(),
                    time(letter.diedAt()),
                    letter.task(),
                    letter.attempts() + "/" + letter.maxAttempts(),
                    error(letter));
        }
        if (found.size() > limit) {
            out.println("and more; --limit shows them");
        }
    }

    private static String error(DeadLetter letter) {
        return OneLine.of(letter.lastError() == null ? "" : letter.lastError(), ERROR_LENGTH)
                + (letter.supersededAt() == null ? "" : "  (a newer job took over its key)")
                + (letter.replayedAt() == null
                        ? ""
                        : "  (replayed " + time(letter.replayedAt()) + " by " + letter.replayedBy() + ")");
    }

    private static String time(OffsetDateTime time) {
        return time.withOffsetSameInstant(ZoneOffset.UTC)
                .truncatedTo(ChronoUnit.SECONDS)
                .toInstant()
                .toString();
    }

    private JsonObject object(DeadLetter letter) {
        JsonObject object = new JsonObject()
                .put("id", letter.id())
                .put("database_id", letter.databaseId().toString())
                .put("task", letter.task())
                .put("queue", letter.queue())
                .put("key", letter.key())
                .put("payload", Json.decodeValue(letter.payload()))
                .put("attempts", letter.attempts())
                .put("max_attempts", letter.maxAttempts())
                .put("infra_failures", letter.infraFailures())
                .put("last_error", letter.lastError())
                .put("errors", new JsonArray(letter.errors()))
                .put("died_at", letter.diedAt().toString())
                .put("created_at", text(letter.createdAt()))
                .put("superseded_at", text(letter.supersededAt()))
                .put("replayed_at", text(letter.replayedAt()))
                .put("replayed_by", letter.replayedBy());
        if (api.chosen(context)) {
            List.of("infra_failures", "errors", "superseded_at", "replayed_at", "replayed_by")
                    .forEach(object::remove);
        }
        return object;
    }

    private static @Nullable String text(@Nullable OffsetDateTime time) {
        return time == null ? null : time.toString();
    }
}
