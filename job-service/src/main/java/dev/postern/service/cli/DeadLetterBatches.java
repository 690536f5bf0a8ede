package dev.postern.service.cli;

import dev.postern.sql.DeadLetters.Chosen;
import dev.postern.sql.DeadLetters.Filter;
import io.vertx.core.Future;
import java.io.PrintWriter;
import java.util.List;
import java.util.function.Function;

/** Repeats what is done to dead letters until none is left, a transaction for each batch, and tells of long work. */
final class DeadLetterBatches {

    static final int SIZE = 1000;
    private static final int TELL_EVERY = 10_000;

    private DeadLetterBatches() {}

    /**
     * Blocking.
     *
     * @param filter what ends before the work begins; else jobs that die again meanwhile would be done again
     * @param verb what is done, in the past tense
     * @return how many it was done to
     */
    static long run(Filter filter, Function<Filter, Future<List<Chosen>>> batch, String verb, PrintWriter err) {
        Filter rest = filter;
        long total = 0;
        while (true) {
            List<Chosen> chosen = batch.apply(rest).await();
            total += chosen.size();
            if (chosen.size() < SIZE) {
                return total;
            }
            if (total % TELL_EVERY == 0) {
                err.println(verb + " " + total + " so far");
                err.flush();
            }
            // Those behind it are done or somebody else's: the next batch need not look at them again.
            rest = rest.from(chosen.getLast().diedAt());
        }
    }

    static String count(long number) {
        return number == 1 ? "1 dead letter" : number + " dead letters";
    }
}
