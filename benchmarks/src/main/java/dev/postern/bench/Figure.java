package dev.postern.bench;

import java.util.Locale;
import java.util.Optional;

/**
 * A line of the table.
 *
 * @param section which part of the run it belongs to
 * @param name what was measured
 * @param unit of the values
 */
record Figure(String section, String name, String unit, Series values, Optional<Target> target) {

    /** Enough digits to compare by, and no more than the spread is worth. */
    static String number(double value) {
        double size = Math.abs(value);
        if (size >= 1_000) {
            return String.format(Locale.ROOT, "%,.0f", value);
        }
        return String.format(Locale.ROOT, size >= 100 ? "%.0f" : size >= 10 ? "%.1f" : "%.2f", value);
    }

    String median() {
        return number(values.median());
    }

    /** Lowest and highest turn; empty for a single one. */
    String spread() {
        return values.turns().size() < 2 ? "" : number(values.min()) + "–" + number(values.max());
    }

    String verdict() {
        return target.map(bound -> bound.verdict(values.median())).orElse("");
    }
}
