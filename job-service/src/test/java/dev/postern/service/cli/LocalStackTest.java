package dev.postern.service.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Set;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;

class LocalStackTest {

    private static final Pattern ROW = Pattern.compile("(?m)^\\| \\[`([a-z-]+)`]\\(#");

    @Test
    void startsEverySampleFunctionOfTheDocumentation() throws IOException {
        Set<String> documented = ROW.matcher(Files.readString(Path.of("..", "docs", "sample-functions.md")))
                .results()
                .map((MatchResult row) -> row.group(1))
                .collect(Collectors.toSet());

        assertThat(LocalStack.FUNCTIONS).isEqualTo(documented);
    }
}
