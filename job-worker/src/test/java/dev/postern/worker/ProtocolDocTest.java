package dev.postern.worker;

import static org.assertj.core.api.Assertions.assertThat;

import dev.postern.sql.Outcome;
import io.vertx.core.MultiMap;
import io.vertx.core.buffer.Buffer;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.Random;
import java.util.Set;
import java.util.function.Predicate;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;

/** The tables of docs/protocol.md say what {@link AnswerTable} does. */
class ProtocolDocTest {

    private static final long JOB = 812;
    private static final Pattern CODE = Pattern.compile("`([^`]+)`");

    /** Every header that an answer is looked at for; an answer carries any of them or none. */
    private static final List<List<String>> WISHES =
            List.of(List.of(), List.of("X-Job-Retry: never"), List.of("X-Job-Retry: after=30"));

    private static final List<String> OTHERS = List.of("X-Job-Error: true", "Retry-After: 10", "X-Job-Id: " + JOB);

    private final AnswerTable table =
            new AnswerTable(InstantSource.system(), new Random(1), Duration.ofMinutes(5), Duration.ofHours(1));
    private final String page = read(Path.of("../docs/protocol.md"));

    /** A row: to which statuses it applies, which headers it wants, the outcome that it names. */
    private record Row(Predicate<Integer> statuses, Set<String> headers, String outcome) {

        boolean matches(int status, List<String> carried) {
            return statuses.test(status) && carried.containsAll(headers);
        }
    }

    @Test
    void firstMatchingRowNamesTheOutcomeOfEveryAnswer() {
        List<Row> rows = rows("answers").stream().map(ProtocolDocTest::row).toList();
        List<String> wrong = new ArrayList<>();
        for (int status = 200; status < 600; status++) {
            for (List<String> headers : combinations()) {
                int answered = status;
                String documented = rows.stream()
                        .filter(row -> row.matches(answered, headers))
                        .findFirst()
                        .map(Row::outcome)
                        .orElse("no row");
                String real = outcome(status, headers);
                if (!documented.equals(real)) {
                    wrong.add(status + " " + headers + ": documented " + documented + ", is " + real);
                }
            }
        }
        assertThat(wrong).isEmpty();
    }

    @Test
    void everyRowCanBeTheFirstThatMatches() {
        List<Row> rows = rows("answers").stream().map(ProtocolDocTest::row).toList();
        assertThat(rows)
                .allSatisfy(row -> assertThat(combinations())
                        .anyMatch(headers -> anyStatus(status -> rows.stream()
                                .filter(other -> other.matches(status, headers))
                                .findFirst()
                                .equals(Optional.of(row)))));
    }

    @Test
    void everyWayToGetNoAnswerHasItsRow() {
        List<DispatchResult> silent = List.of(
                new DispatchResult.Unreachable("r"),
                new DispatchResult.TimedOut("r"),
                new DispatchResult.Garbled("r"),
                new DispatchResult.NoRoute("r"),
                new DispatchResult.Aborted());
        assertThat(silent.size() + 1).isEqualTo(DispatchResult.class.getPermittedSubclasses().length);
        List<List<String>> rows = rows("no answer");
        assertThat(rows).hasSameSizeAs(silent);
        assertThat(silent).allSatisfy(result -> {
            String words = result.getClass()
                    .getSimpleName()
                    .replaceAll("(?<=[a-z])(?=[A-Z])", " ")
                    .toLowerCase(Locale.ROOT);
            List<String> row = rows.stream()
                    .filter(cells -> cells.getFirst().startsWith(words + ":"))
                    .findFirst()
                    .orElseThrow(() -> new AssertionError("no row begins with '" + words + ":'"));
            assertThat(code(row.get(1)).stream().findFirst())
                    .isEqualTo(table.outcome(result, JOB).map(ProtocolDocTest::name));
        });
    }

    private String outcome(int status, List<String> headers) {
        MultiMap map = MultiMap.caseInsensitiveMultiMap();
        for (String header : headers) {
            String[] parts = header.split(": ", 2);
            map.add(parts[0], parts[1]);
        }
        return table.outcome(new DispatchResult.Answer(status, map, Buffer.buffer()), JOB)
                .map(ProtocolDocTest::name)
                .orElse("none");
    }

    private static String name(Outcome outcome) {
        return outcome.getClass().getSimpleName().toLowerCase(Locale.ROOT);
    }

    private static List<List<String>> combinations() {
        List<List<String>> all = new ArrayList<>();
        for (List<String> wish : WISHES) {
            for (int chosen = 0; chosen < 1 << OTHERS.size(); chosen++) {
                List<String> headers = new ArrayList<>(wish);
                for (int i = 0; i < OTHERS.size(); i++) {
                    if ((chosen & (1 << i)) != 0) {
                        headers.add(OTHERS.get(i));
                    }
                }
                all.add(headers);
            }
        }
        return all;
    }

    private static boolean anyStatus(Predicate<Integer> test) {
        for (int status = 200; status < 600; status++) {
            if (test.test(status)) {
                return true;
            }
        }
        return false;
    }

    private static Row row(List<String> cells) {
        Set<String> headers = Set.copyOf(code(cells.get(1)));
        assertThat(combinations().stream().flatMap(List::stream).collect(Collectors.toSet()))
                .as("headers that this test knows")
                .containsAll(headers);
        return new Row(statuses(cells.get(0)), headers, code(cells.get(2)).getFirst());
    }

    private static Predicate<Integer> statuses(String cell) {
        if (cell.equals("any")) {
            return status -> true;
        }
        return Arrays.stream(cell.split(", "))
                .map(range -> range.split("–", 2))
                .map(ends -> (Predicate<Integer>) status ->
                        status >= Integer.parseInt(ends[0]) && status <= Integer.parseInt(ends[ends.length - 1]))
                .reduce(status -> false, Predicate::or);
    }

    private static List<String> code(String cell) {
        return CODE.matcher(cell).results().map(word -> word.group(1)).toList();
    }

    /** The cells of a table between its two marks, without its head. */
    private List<List<String>> rows(String mark) {
        String begin = "<!-- " + mark + " -->";
        String end = "<!-- /" + mark + " -->";
        assertThat(page).contains(begin).contains(end);
        return page.substring(page.indexOf(begin), page.indexOf(end))
                .lines()
                .filter(line -> line.startsWith("| "))
                .skip(1)
                .map(line -> Arrays.stream(line.substring(1).split("\\|", -1))
                        .map(String::strip)
                        .toList())
                .toList();
    }

    private static String read(Path file) {
        try {
            return Files.readString(file);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
