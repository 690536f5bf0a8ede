package dev.postern.api;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/** docs/api.md says what the contract says: every operation, every permission and every problem, and no other. */
class ApiDocTest {

    private static final String TABLE_BEGINS = "<!-- operations -->";
    private static final String TABLE_ENDS = "<!-- /operations -->";

    private final Contract contract = Contract.load();
    private final String page = read();

    @Test
    void theTableOfOperationsIsTheContracts() {
        List<String> expected = new ArrayList<>(List.of("| operation | permission | |", "|---|---|---|"));
        contract.operations()
                .forEach(operation -> expected.add("| `" + operation.method() + " " + operation.path() + "` | "
                        + operation.permission().map(name -> "`" + name + "`").orElse("") + " | "
                        + operation.summary() + " |"));
        int begin = page.indexOf(TABLE_BEGINS) + TABLE_BEGINS.length();
        String table = page.substring(begin, page.indexOf(TABLE_ENDS, begin)).strip();
        assertThat(table).as("put this into docs/api.md").isEqualTo(String.join("\n", expected));
    }

    /** In running text and examples too: a path that is named is one of the contract, with its method where it has one. */
    @Test
    void everyPathThatIsNamedIsInTheContract() {
        Set<String> known = contract.operations().stream()
                .map(operation -> operation.path().replaceAll("\\{\\w+}", "{}"))
                .collect(Collectors.toCollection(TreeSet::new));
        Matcher named = Pattern.compile("(?:`|8070|[A-Z] )(/(?:v1|api|function|async-function)/[^\\s`'?)\"]*)")
                .matcher(page);
        Set<String> unknown = new TreeSet<>();
        int seen = 0;
        while (named.find()) {
            seen++;
            String path = named.group(1);
            boolean matches = known.stream()
                    .anyMatch(one -> Pattern.matches(
                            Stream.of(one.split("\\{}", -1)).map(Pattern::quote).collect(Collectors.joining("[^/]+")),
                            path));
            if (!matches) {
                unknown.add(path);
            }
        }
        assertThat(unknown).isEmpty();
        assertThat(seen).isGreaterThan(20);
    }

    @Test
    void thePermissionsAreTheContracts() {
        Set<String> named = new TreeSet<>();
        Matcher row = Pattern.compile("(?m)^\\| (`[a-z]+\\.[a-z_]+`(?:, `[a-z]+\\.[a-z_]+`)*) \\|")
                .matcher(page);
        while (row.find()) {
            Stream.of(row.group(1).split(", ", -1)).forEach(name -> named.add(name.replace("`", "")));
        }
        assertThat(named).isEqualTo(new TreeSet<>(contract.permissions()));
    }

    @Test
    void theProblemsAreThoseThatAreAnswered() {
        Set<String> named = new TreeSet<>();
        Matcher row = Pattern.compile("(?m)^\\| `([a-z-]+)` \\| (\\d{3}) \\|").matcher(page);
        while (row.find()) {
            named.add(row.group(1) + " " + row.group(2));
        }
        assertThat(named)
                .isEqualTo(Stream.of(Problem.values())
                        .map(problem -> problem.type().replace("urn:postern:problem:", "") + " " + problem.status())
                        .collect(Collectors.toCollection(TreeSet::new)));
    }

    private static String read() {
        try {
            return Files.readString(Path.of("../docs/api.md"));
        } catch (IOException e) {
            throw new AssertionError(e);
        }
    }
}
