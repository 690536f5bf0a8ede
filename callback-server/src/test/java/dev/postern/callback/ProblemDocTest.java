package dev.postern.callback;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;

/** The table of docs/protocol.md lists what the callback server can answer, and nothing else. */
class ProblemDocTest {

    private static final Pattern ROW = Pattern.compile("(?m)^\\| (\\d{3}) \\| `([a-z-]+)` \\|");

    @Test
    void listsEveryProblemWithItsStatus() throws IOException {
        String page = Files.readString(Path.of("../docs/protocol.md"));
        String table = page.substring(page.indexOf("<!-- problems -->"), page.indexOf("<!-- /problems -->"));
        List<String> documented = ROW.matcher(table)
                .results()
                .map(row -> row.group(1) + " urn:postern:problem:" + row.group(2))
                .toList();
        assertThat(documented)
                .containsExactlyInAnyOrderElementsOf(Arrays.stream(Problem.values())
                        .map(problem -> problem.status() + " " + problem.type())
                        .toList());
    }
}
