package dev.postern.chaos;

/**
 * A rule that a history breaks.
 *
 * @param job the job; 0 when it is about none
 */
record Violation(Rule rule, long job, String what) {

    String line() {
        return rule + " (" + rule.words + ")" + (job == 0 ? "" : ", job " + job) + ": " + what;
    }
}
