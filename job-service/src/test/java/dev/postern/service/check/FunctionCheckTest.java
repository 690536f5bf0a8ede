package dev.postern.service.check;

import static dev.postern.service.check.Finding.Verdict.FAIL;
import static dev.postern.service.check.Finding.Verdict.PASS;
import static dev.postern.service.check.Finding.Verdict.SKIP;
import static dev.postern.service.check.Finding.Verdict.WARN;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.postern.functions.protocol.SigningKeys;
import dev.postern.service.check.BrokenFunction.Breach;
import dev.postern.service.check.Finding.Verdict;
import java.io.IOException;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.InstantSource;
import java.util.Arrays;
import java.util.EnumSet;
import java.util.List;
import java.util.Set;
import java.util.UUID;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

class FunctionCheckTest {

    private static final String SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

    private enum Kind {
        ANSWERS,
        REPORTS,
        SIGNED
    }

    /** What a breach is found as; no other row fails. */
    private record Expected(Kind kind, Breach breach, Verdict verdict, Row... rows) {}

    private static final List<Expected> BREACHES = List.of(
            new Expected(Kind.ANSWERS, Breach.FAILS, FAIL, Row.ANSWERS),
            new Expected(Kind.ANSWERS, Breach.SAYS_ERROR, FAIL, Row.ANSWERS),
            new Expected(Kind.ANSWERS, Breach.NO_ECHO, FAIL, Row.JOB_ID, Row.HEADER_CASE),
            new Expected(Kind.ANSWERS, Breach.BAD_JSON, FAIL, Row.RESULT),
            new Expected(Kind.ANSWERS, Breach.LARGE_RESULT, FAIL, Row.RESULT),
            new Expected(Kind.ANSWERS, Breach.BAD_JOBS, FAIL, Row.RESULT),
            new Expected(Kind.ANSWERS, Breach.TEXT_RESULT, WARN, Row.RESULT),
            new Expected(Kind.ANSWERS, Breach.CHOKES_ON_HEADERS, FAIL, Row.MORE_HEADERS),
            new Expected(Kind.ANSWERS, Breach.CLOSES, WARN, Row.KEEP_ALIVE),
            new Expected(Kind.ANSWERS, Breach.CONFLICT_ON_REPEAT, FAIL, Row.REPEATED),
            new Expected(Kind.ANSWERS, Breach.FAILS_ON_BAD_PAYLOAD, FAIL, Row.BAD_PAYLOAD),
            new Expected(Kind.ANSWERS, Breach.ENDS_ON_BROKEN_JSON, FAIL, Row.BAD_PAYLOAD),
            new Expected(Kind.ANSWERS, Breach.TAKES_ANYTHING, WARN, Row.BAD_PAYLOAD),
            new Expected(Kind.ANSWERS, Breach.SILENT_REFUSAL, WARN, Row.REFUSAL_SAYS_WHY),
            new Expected(Kind.ANSWERS, Breach.STACK_TRACE, WARN, Row.REFUSAL_SAYS_WHY),
            new Expected(Kind.ANSWERS, Breach.ANSWERS_GET, FAIL, Row.METHOD),
            new Expected(Kind.ANSWERS, Breach.TAKES_ENDLESS, WARN, Row.BODY_TOO_LARGE),
            new Expected(Kind.ANSWERS, Breach.DIES_OF_HANG_UP, FAIL, Row.HANG_UP),
            new Expected(Kind.ANSWERS, Breach.NO_HEALTH, WARN, Row.HEALTH),
            new Expected(Kind.REPORTS, Breach.NEVER_REPORTS, FAIL, Row.REPORTS),
            new Expected(Kind.REPORTS, Breach.REPORTS_ELSEWHERE, FAIL, Row.REPORTS, Row.REPORT_URL),
            new Expected(Kind.REPORTS, Breach.REPORTS_FAILURE, FAIL, Row.REPORTS),
            new Expected(Kind.REPORTS, Breach.REPORTS_TEXT, FAIL, Row.REPORT_BODY),
            new Expected(Kind.REPORTS, Breach.REPORTS_ONCE, FAIL, Row.REPORT_AGAIN),
            new Expected(Kind.REPORTS, Breach.REPORTS_DIFFERENTLY, FAIL, Row.REPORT_AGAIN),
            new Expected(Kind.REPORTS, Breach.REPORTS_FOR_EVER, FAIL, Row.REPORT_REPLAY, Row.REPORT_REFUSED),
            new Expected(Kind.SIGNED, Breach.REFUSES_SIGNED, FAIL, Row.ANSWERS),
            new Expected(Kind.SIGNED, Breach.TAKES_UNSIGNED, FAIL, Row.UNSIGNED),
            new Expected(Kind.SIGNED, Breach.TAKES_OLD, FAIL, Row.FORGED));

    private static final Set<Breach> ENDING = EnumSet.of(Breach.ENDS_ON_BROKEN_JSON, Breach.DIES_OF_HANG_UP);

    private static Stream<Expected> breaches() {
        return BREACHES.stream();
    }

    @Test
    void findsNothingWrongWithAFunctionThatKeepsTheContract() throws Exception {
        assertThat(rows(check(Kind.ANSWERS), FAIL, WARN)).isEmpty();
        assertThat(rows(check(Kind.REPORTS), FAIL, WARN)).isEmpty();
        assertThat(rows(check(Kind.SIGNED), FAIL, WARN)).isEmpty();
    }

    @Test
    void skipsOnlyWhatDoesNotApply() throws Exception {
        assertThat(rows(check(Kind.ANSWERS), SKIP))
                .containsExactlyInAnyOrder(
                        Row.REPORTS,
                        Row.REPORT_URL,
                        Row.REPORT_BODY,
                        Row.REPORT_AGAIN,
                        Row.REPORT_REPLAY,
                        Row.REPORT_REFUSED,
                        Row.SIGNED,
                        Row.UNSIGNED,
                        Row.FORGED);
        assertThat(rows(check(Kind.REPORTS), SKIP))
                .containsExactlyInAnyOrder(Row.RESULT, Row.SIGNED, Row.UNSIGNED, Row.FORGED);
        assertThat(rows(check(Kind.SIGNED), PASS)).contains(Row.SIGNED, Row.UNSIGNED, Row.FORGED);
    }

    @ParameterizedTest
    @MethodSource("breaches")
    void findsABreachInItsRow(Expected expected) throws Exception {
        List<Finding> findings = check(expected.kind, expected.breach);

        assertThat(rows(findings, expected.verdict)).as("%s", findings).contains(expected.rows);
        if (ENDING.contains(expected.breach)) {
            // A server that ends may take a connection a moment longer; the row after that tells it as well then.
            assertThat(rows(findings, FAIL)).as("%s", findings).hasSizeLessThanOrEqualTo(expected.rows.length + 1);
        } else if (expected.verdict == FAIL) {
            assertThat(rows(findings, FAIL)).as("%s", findings).containsExactlyInAnyOrder(expected.rows);
        } else {
            assertThat(rows(findings, FAIL)).as("%s", findings).isEmpty();
        }
    }

    @Test
    void findsNamesReadInOneCaseAndConnectionsThatAreDropped() throws Exception {
        try (StrictFunction keeps = new StrictFunction(true);
                StrictFunction drops = new StrictFunction(false)) {
            assertThat(rows(run(keeps.url(), SigningKeys.NONE), FAIL))
                    .contains(Row.HEADER_CASE)
                    .doesNotContain(Row.KEEP_ALIVE);
            assertThat(rows(run(drops.url(), SigningKeys.NONE), FAIL)).contains(Row.KEEP_ALIVE);
        }
    }

    @Test
    void canFindEachRowWanting() {
        Set<Row> wanting = EnumSet.of(Row.KEEP_ALIVE, Row.SIGNED);
        BREACHES.forEach(breach -> wanting.addAll(List.of(breach.rows)));
        assertThat(wanting).as("SIGNED fails where ANSWERS does").containsExactlyInAnyOrder(Row.values());
    }

    @Test
    void saysThatNobodyIsThere() throws Exception {
        URI nobody;
        try (BrokenFunction gone = new BrokenFunction(false, SigningKeys.NONE)) {
            nobody = gone.url();
        }
        List<Finding> findings = run(nobody, SigningKeys.NONE);

        assertThat(findings.getFirst().verdict()).isEqualTo(FAIL);
        assertThat(findings.getFirst().says()).contains("is it running there?");
        assertThat(findings).hasSize(Row.values().length);
        assertThatThrownBy(() -> run(URI.create("localhost:8080"), SigningKeys.NONE))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("a function's URL is such as");
    }

    @Test
    void pageListsTheRows() throws IOException {
        List<String> listed = Pattern.compile("(?m)^\\| `([a-z-]+)` \\| ([^|]+) \\|")
                .matcher(between(Files.readString(Path.of("../docs/functions.md"))))
                .results()
                .map(row -> row.group(1) + ": " + row.group(2))
                .toList();
        assertThat(listed)
                .isEqualTo(Arrays.stream(Row.values())
                        .map(row -> row.label() + ": " + row.rule())
                        .toList());
    }

    private static String between(String page) {
        return page.substring(page.indexOf("<!-- checks -->"), page.indexOf("<!-- /checks -->"));
    }

    private static List<Finding> check(Kind kind, Breach... breaches) throws Exception {
        SigningKeys keys = kind == Kind.SIGNED ? SigningKeys.parse(SECRET) : SigningKeys.NONE;
        try (BrokenFunction function = new BrokenFunction(kind == Kind.REPORTS, keys, breaches)) {
            return run(function.url(), keys);
        }
    }

    private static List<Finding> run(URI url, SigningKeys keys) throws Exception {
        CheckPlan plan = new CheckPlan(
                url,
                "broken",
                new UUID(0, 1),
                "{\"text\": \"x\"}",
                keys,
                "127.0.0.1",
                Duration.ofSeconds(5),
                Duration.ofMillis(200));
        return new FunctionCheck(plan, InstantSource.system(), finding -> {}).run();
    }

    private static Set<Row> rows(List<Finding> findings, Verdict... verdicts) {
        return findings.stream()
                .filter(finding -> List.of(verdicts).contains(finding.verdict()))
                .map(Finding::row)
                .collect(Collectors.toSet());
    }
}
