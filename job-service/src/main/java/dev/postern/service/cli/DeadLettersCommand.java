package dev.postern.service.cli;

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
            "'./postern status ID' shows one with its failed attempts, './postern replay' tries them again."
        },
        mixinStandardHelpOptions = true)
final class DeadLettersCommand implements Callable<Integer> {

    private static final int ERROR_LENGTH = 100;

    private final Context context;

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
        return context.withPool("postern dead-letters", (database, pool) -> {
            DeadLetters store = new DeadLetters(pool, database.schema());
            // One more than is shown, to know whether there are more.
            List<DeadLetter> found =
                    store.newest(letters.filter(), json ? limit : limit + 1).await();
            if (json) {
                found.forEach(letter -> out.println(object(letter).encode()));
            } else {
                table(found, out);
            }
            out.flush();
            return 0;
        });
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
        String text = letter.lastError() == null ? "" : letter.lastError().replaceAll("\\s+", " ");
        String shortened = text.length() <= ERROR_LENGTH ? text : text.substring(0, ERROR_LENGTH) + " ...";
        return shortened
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

    private static JsonObject object(DeadLetter letter) {
        return new JsonObject()
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
    }

    private static @Nullable String text(@Nullable OffsetDateTime time) {
        return time == null ? null : time.toString();
    }
}
