package dev.postern.scheduler;

import static org.assertj.core.api.Assertions.assertThat;

import dev.postern.sql.JobDatabase;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.time.OffsetDateTime;
import java.time.ZonedDateTime;
import java.util.Arrays;
import java.util.List;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/** The tables of examples in docs/schedules.md are true, and the database takes each of them. */
class ScheduleDocTest {

    @RegisterExtension
    static final JobDatabase database = JobDatabase.migrated();

    private static final Path PAGE = Path.of("../docs/schedules.md");
    private static final Pattern ROW = Pattern.compile("(?m)^\\| `(.+)` \\| (\\S+Z) \\| (.+) \\|$");
    private static final Pattern FORM = Pattern.compile("(?m)^\\| [^|]+ \\| `([\"{].+)` \\|$");
    private static final Pattern SQL = Pattern.compile("(?ms)^```sql\\n(.*?)^```$");
    private static final String NO_MORE = "and no more";

    private final CronCalendar calendar = new CronCalendar();

    @Test
    void examplesHaveTheTicksThatThePageShows() throws IOException {
        List<MatchResult> rows = ROW.matcher(Files.readString(PAGE)).results().toList();
        assertThat(rows).hasSizeGreaterThan(30);
        assertThat(rows).allSatisfy(row -> {
            boolean last = row.group(3).endsWith(NO_MORE);
            List<OffsetDateTime> shown = Arrays.stream(
                            row.group(3).replace(NO_MORE, "").strip().split(" "))
                    .filter(tick -> !tick.isEmpty())
                    .map(OffsetDateTime::parse)
                    .toList();
            List<ZonedDateTime> ticks =
                    calendar.next(row.group(1), Instant.parse(row.group(2)), shown.size() + (last ? 1 : 0));
            assertThat(ticks)
                    .as("ticks of %s", row.group(1))
                    .extracting(ZonedDateTime::toInstant)
                    .isEqualTo(shown.stream().map(OffsetDateTime::toInstant).toList());
            added(row.group(1));
        });
    }

    @Test
    void formsCanBeAddedAndRead() throws IOException {
        List<MatchResult> forms = FORM.matcher(Files.readString(PAGE)).results().toList();
        assertThat(forms).hasSizeGreaterThan(4);
        assertThat(forms).allSatisfy(form -> {
            added(form.group(1));
            assertThat(calendar.next(form.group(1), Instant.parse("2026-11-22T00:00:00Z"), 1))
                    .as(form.group(1))
                    .hasSize(1);
        });
    }

    @Test
    void sqlOfThePageRuns() throws IOException {
        List<String> blocks = SQL.matcher(Files.readString(PAGE))
                .results()
                .map(block -> block.group(1))
                .toList();
        assertThat(blocks).isNotEmpty();
        blocks.forEach(database::execute);
    }

    private static void added(String schedule) {
        assertThat(database.number(
                        "select id from app_jobs.add_scheduled_job(?, 'ping', '{}', ?::json)",
                        JobDatabase.TENANT,
                        schedule))
                .isPositive();
    }
}
