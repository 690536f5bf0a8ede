package dev.postern.service.check;

import java.util.Locale;

/** What is checked, in the order of the checking. docs/functions.md lists the rows with what each means. */
public enum Row {
    /** A payload that it takes. */
    ANSWERS("a job is answered 2xx in time"),
    /** Proves whose answer it is. */
    JOB_ID("answers echo X-Job-Id, refusals too"),
    /** What the job keeps. */
    RESULT("the result is one that Postern keeps"),
    /** HTTP/1.1 and HTTP/2 write them differently. */
    HEADER_CASE("header names count in any case"),
    /** A later release sends more. */
    MORE_HEADERS("headers that it does not know do no harm"),
    /** The worker keeps connections. */
    KEEP_ALIVE("a connection serves more than one call"),
    /** At least once. */
    REPEATED("the same job may come again"),
    /** Dead letter at once instead of 25 attempts. */
    BAD_PAYLOAD("a payload that cannot work is answered 4xx"),
    /** What a person reads in last_error. */
    REFUSAL_SAYS_WHY("a refusal says why, without a stack trace"),
    /** Probes and browsers send GET. */
    METHOD("only POST runs a job"),
    /** Memory is bounded. */
    BODY_TOO_LARGE("a body without end is refused"),
    /** Cancelled jobs and lost workers. */
    HANG_UP("a caller that hangs up does no harm"),
    /** What deployments ask. */
    HEALTH("GET /healthz answers 200"),
    /** Promised by 202. */
    REPORTS("after 202 the outcome is reported"),
    /** With its token. */
    REPORT_URL("reports go to X-Callback-Url as it was sent"),
    /** What the callback server takes. */
    REPORT_BODY("reports have a body that is taken"),
    /** 503, or no answer. */
    REPORT_AGAIN("a report that was not heard is sent again"),
    /** Idempotent-Replay. */
    REPORT_REPLAY("a report that was known already ends the matter"),
    /** 410. */
    REPORT_REFUSED("a report that is refused is not sent again"),
    /** Where a secret is set. */
    SIGNED("a signed call is taken"),
    /** Where a secret is set. */
    UNSIGNED("a call without a signature is answered 401"),
    /** Where a secret is set. */
    FORGED("a changed, foreign or old signature is answered 401");

    private final String rule;

    Row(String rule) {
        this.rule = rule;
    }

    /** The rule in a few words. */
    public String rule() {
        return rule;
    }

    /** As people see it: {@code bad-payload}. */
    public String label() {
        return name().toLowerCase(Locale.ROOT).replace('_', '-');
    }
}
