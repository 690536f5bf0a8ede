package dev.postern.service.cli;

import dev.postern.sql.DeadLetters;
import java.io.PrintWriter;
import java.time.OffsetDateTime;
import java.util.List;
import java.util.UUID;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** The options by which commands name dead letters. */
final class DeadLetterFilter {

    @Parameters(paramLabel = "ID", arity = "0..*", description = "Only these jobs.")
    List<Long> ids = List.of();

    @Option(names = "--task", paramLabel = "TASK", description = "Only jobs of this task.")
    @Nullable
    String task;

    @Option(names = "--database-id", paramLabel = "UUID", description = "Only jobs of this tenant.")
    @Nullable
    UUID databaseId;

    @Option(
            names = "--error-like",
            paramLabel = "PATTERN",
            description = "Only jobs whose last error is like this, by SQL's LIKE: '%%HTTP 503%%'.")
    @Nullable
    String errorLike;

    @Option(
            names = "--died-after",
            paramLabel = "TIME",
            description = "Only jobs that died at this RFC 3339 time or later.")
    @Nullable
    OffsetDateTime diedAfter;

    @Option(names = "--died-before", paramLabel = "TIME", description = "Only jobs that died before this time.")
    @Nullable
    OffsetDateTime diedBefore;

    boolean namesNone() {
        return ids.isEmpty()
                && Stream.of(task, databaseId, errorLike, diedAfter, diedBefore).allMatch(value -> value == null);
    }

    /** The exit code, after a word about ids that were no dead letters. */
    int allFound(long number, PrintWriter err) {
        long missing = ids.stream().distinct().count() - number;
        if (missing <= 0) {
            return 0;
        }
        err.println("postern: " + missing + " of the given ids " + (missing == 1 ? "is" : "are")
                + " not of a dead letter that the options name; './postern status ID' tells more");
        return 1;
    }

    DeadLetters.Filter filter() {
        return new DeadLetters.Filter(databaseId, task, errorLike, diedAfter, diedBefore, ids.isEmpty() ? null : ids);
    }
}
