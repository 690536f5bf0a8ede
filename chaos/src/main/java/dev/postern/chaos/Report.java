package dev.postern.chaos;

import java.nio.file.Path;
import java.util.Comparator;
import java.util.List;

/** What a person needs of a run that broke a rule. */
final class Report {

    /** More than that nobody reads; the history has them all. */
    private static final int VIOLATIONS = 20;

    private Report() {}

    static String of(List<Violation> violations, History history, Path file, String repeat) {
        StringBuilder text = new StringBuilder(System.lineSeparator());
        if (violations.isEmpty()) {
            return text.append("every rule held").append(System.lineSeparator()).toString();
        }
        for (Violation violation : violations.subList(0, Math.min(VIOLATIONS, violations.size()))) {
            line(text, "BROKEN " + violation.line());
            history.events()
                    .filter(event -> violation.job() != 0 && event.job() == violation.job())
                    .sorted(Comparator.comparing(Event::at))
                    .forEach(event -> line(text, "    " + event.at() + " " + event.line()));
        }
        line(text, violations.size() + " violations; the whole history is in " + file);
        line(text, "again: " + repeat);
        return text.toString();
    }

    private static void line(StringBuilder text, String line) {
        text.append(line).append(System.lineSeparator());
    }
}
