package dev.postern.bench;

import java.util.Locale;

/**
 * What a figure's median is held against.
 *
 * @param sense whether more or less is better
 * @param bound the last value that meets it
 * @param note what else there is to say; may be empty
 */
record Target(Sense sense, double bound, String note) {

    enum Sense {
        AT_LEAST,
        AT_MOST
    }

    Target {
        if (!(bound > 0)) {
            throw new IllegalArgumentException("a target's bound is above 0, not " + bound);
        }
    }

    static Target atLeast(double bound) {
        return new Target(Sense.AT_LEAST, bound, "");
    }

    static Target atMost(double bound) {
        return new Target(Sense.AT_MOST, bound, "");
    }

    Target noting(String words) {
        return new Target(sense, bound, words);
    }

    boolean met(double value) {
        return sense == Sense.AT_LEAST ? value >= bound : value <= bound;
    }

    /** By which share of the bound it is missed; 0 when it is met. */
    double missedBy(double value) {
        if (met(value)) {
            return 0;
        }
        return Math.abs(value - bound) / bound;
    }

    String verdict(double value) {
        return met(value) ? "met" : String.format(Locale.ROOT, "missed by %.0f %%", Math.max(1, 100 * missedBy(value)));
    }

    String text() {
        String sign = sense == Sense.AT_LEAST ? "≥ " : "≤ ";
        return sign + Figure.number(bound) + (note.isEmpty() ? "" : " (" + note + ")");
    }
}
