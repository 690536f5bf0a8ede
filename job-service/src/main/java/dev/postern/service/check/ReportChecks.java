package dev.postern.service.check;

import dev.postern.service.check.Caller.Heard;
import dev.postern.service.check.Caller.Sent;
import dev.postern.service.check.PlayedCallbacks.Report;
import java.time.Duration;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.stream.Stream;

/** What a function that answers 202 reports later, and how it takes the answers. */
final class ReportChecks {

    private static final List<Row> ROWS = List.of(
            Row.REPORTS, Row.REPORT_URL, Row.REPORT_BODY, Row.REPORT_AGAIN, Row.REPORT_REPLAY, Row.REPORT_REFUSED);

    private final Caller caller;
    private final PlayedCallbacks callbacks;
    private final String payload;
    private final Duration patience;
    private final Duration quiet;

    ReportChecks(Caller caller, PlayedCallbacks callbacks, CheckPlan plan) {
        this.caller = caller;
        this.callbacks = callbacks;
        this.payload = plan.payload();
        this.patience = plan.patience();
        this.quiet = plan.quiet();
    }

    /** All rows, for the first call, which has been answered. */
    Stream<Finding> run(Sent first, Heard answer) throws InterruptedException {
        if (answer.status() != 202) {
            return ROWS.stream().map(row -> Finding.skip(row, "answers at once, with HTTP " + answer.status()));
        }
        Optional<Report> outcome = first.reports().outcome(patience);
        if (outcome.isEmpty()) {
            String posted = callbacks.strays().isEmpty()
                    ? "nothing was posted to X-Callback-Url within " + patience.toSeconds() + " s"
                    : "posted to " + withoutToken(callbacks.strays().getFirst());
            return Stream.concat(
                    Stream.of(Finding.fail(Row.REPORTS, posted), url()),
                    ROWS.stream().skip(2).map(row -> Finding.skip(row, "no report came")));
        }
        return Stream.of(
                outcome.get().action().equals("fail") || outcome.get().error()
                        ? Finding.fail(
                                Row.REPORTS,
                                "reports a failure: " + text(outcome.get())
                                        + " (give a payload that it takes with --payload FILE)")
                        : Finding.pass(Row.REPORTS, "to " + place(outcome.get())),
                url(),
                body(outcome.get()),
                again(),
                replay(),
                refused());
    }

    private Finding url() {
        return callbacks.strays().isEmpty()
                ? Finding.pass(Row.REPORT_URL, "as it was sent")
                : Finding.fail(
                        Row.REPORT_URL,
                        "also " + withoutToken(callbacks.strays().getFirst())
                                + ": post to the header's value, or to /complete, /fail, /progress, /heartbeat below it");
    }

    private static Finding body(Report report) {
        boolean bare = report.action().isEmpty();
        boolean json = report.contentType().toLowerCase(Locale.ROOT).startsWith("application/json");
        if (!json && !bare && !report.body().isEmpty()) {
            return Finding.fail(
                    Row.REPORT_BODY, "the content type is '" + report.contentType() + "': 415, send application/json");
        }
        if (!json || report.body().isEmpty()) {
            return Finding.pass(
                    Row.REPORT_BODY, report.body().isEmpty() ? "none" : "not JSON, which the bare URL ignores");
        }
        return AnswerChecks.judgeResult(Row.REPORT_BODY, report.body());
    }

    private Finding again() throws InterruptedException {
        Sent job = caller.job();
        job.reports().answers(503);
        Heard heard = caller.call(job, payload);
        Optional<Report> unheard = job.reports().outcome(patience);
        if (unheard.isEmpty()) {
            return Finding.fail(Row.REPORT_AGAIN, "no report came: " + heard.words());
        }
        Optional<Report> again = job.reports().outcome(patience);
        if (again.isEmpty()) {
            return Finding.fail(
                    Row.REPORT_AGAIN,
                    "gave up after one 503: the lease expires, and the work is done again; repeat after Retry-After");
        }
        return unheard.get().body().equals(again.get().body())
                        && unheard.get().action().equals(again.get().action())
                ? Finding.pass(Row.REPORT_AGAIN, "after 503")
                : Finding.fail(
                        Row.REPORT_AGAIN, "said something else after 503; the first outcome may have been stored");
    }

    private Finding replay() throws InterruptedException {
        Sent job = caller.job();
        job.reports().answers(PlayedCallbacks.REPLAY);
        return onlyOne(Row.REPORT_REPLAY, job, "200 with Idempotent-Replay");
    }

    private Finding refused() throws InterruptedException {
        Sent job = caller.job();
        job.reports().cancelled();
        return onlyOne(Row.REPORT_REFUSED, job, "410");
    }

    private Finding onlyOne(Row row, Sent job, String answer) throws InterruptedException {
        Heard heard = caller.call(job, payload);
        if (job.reports().outcome(patience).isEmpty()) {
            return row == Row.REPORT_REFUSED && heard.ok()
                    ? Finding.pass(row, "stopped without a report")
                    : Finding.fail(row, "no report came: " + heard.words());
        }
        return job.reports().outcome(quiet).isEmpty()
                ? Finding.pass(row, "silent after " + answer)
                : Finding.fail(row, "reports again after " + answer);
    }

    private static String place(Report report) {
        return report.action().isEmpty() ? "the bare URL" : "/" + report.action();
    }

    private static String text(Report report) {
        String text = report.body();
        return text.length() <= 200 ? text : text.substring(0, 200) + "…";
    }

    /** The token is a secret of the check only, but habits are habits. */
    private static String withoutToken(String stray) {
        return stray.replaceAll("\\d+\\.\\d+\\.[\\w-]{22}", "<token>");
    }
}
