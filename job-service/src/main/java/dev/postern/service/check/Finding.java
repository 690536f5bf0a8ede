package dev.postern.service.check;

/**
 * What one row came to.
 *
 * @param says what was seen and what to do about it, one line
 */
public record Finding(Row row, Verdict verdict, String says) {

    /** How bad it is. */
    public enum Verdict {
        /** As the contract has it. */
        PASS,
        /** Allowed, and worth knowing. */
        WARN,
        /** Against the contract. */
        FAIL,
        /** Does not apply. */
        SKIP
    }

    static Finding pass(Row row, String says) {
        return new Finding(row, Verdict.PASS, says);
    }

    static Finding warn(Row row, String says) {
        return new Finding(row, Verdict.WARN, says);
    }

    static Finding fail(Row row, String says) {
        return new Finding(row, Verdict.FAIL, says);
    }

    static Finding skip(Row row, String says) {
        return new Finding(row, Verdict.SKIP, says);
    }
}
