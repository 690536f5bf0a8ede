package dev.postern.service.check;

import dev.postern.service.check.Caller.Heard;
import dev.postern.service.check.Caller.Sent;
import java.io.IOException;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.function.Consumer;
import java.util.function.Supplier;

/**
 * Plays worker and callback server to a function, some thirty calls with real effects, and finds what it gets right and
 * wrong. One run, one thread.
 */
public final class FunctionCheck {

    private final CheckPlan plan;
    private final InstantSource clock;
    private final Consumer<Finding> found;
    private final List<Finding> findings = new ArrayList<>();

    /**
     * Calls nothing yet.
     *
     * @param found told of each finding as it comes, in the order of {@link Row}
     */
    public FunctionCheck(CheckPlan plan, InstantSource clock, Consumer<Finding> found) {
        this.plan = plan;
        this.clock = clock;
        this.found = found;
    }

    /**
     * Checks every row; when the function does not do the first one, the others are skipped, for they would say the same.
     *
     * @throws IOException when the callback server cannot be played on the plan's address
     */
    public List<Finding> run() throws IOException, InterruptedException {
        try (PlayedCallbacks callbacks = new PlayedCallbacks(plan.callbackHost())) {
            Caller caller = new Caller(plan, callbacks, clock);
            AnswerChecks answers = new AnswerChecks(caller, plan.payload());
            Sent job = caller.job();
            Heard first = caller.call(job, plan.payload());
            Finding answered = add(answers.answers(first));
            if (answered.verdict() == Finding.Verdict.FAIL) {
                skipTheRest("it does not answer 2xx");
                return List.copyOf(findings);
            }
            List<Supplier<Finding>> rows = List.of(
                    () -> answers.jobId(job, first),
                    () -> answers.result(first),
                    answers::headerCase,
                    answers::moreHeaders,
                    answers::keepAlive,
                    () -> answers.repeated(job),
                    answers::badPayload,
                    answers::refusalSaysWhy,
                    answers::method,
                    answers::bodyTooLarge,
                    answers::hangUp,
                    answers::health);
            for (Supplier<Finding> row : rows) {
                Finding finding = row.get();
                if (caller.gone()) {
                    add(Finding.fail(
                            finding.row(),
                            "the function does not take connections any more after this: " + finding.says()));
                    skipTheRest("the function is gone");
                    return List.copyOf(findings);
                }
                add(finding);
            }
            new ReportChecks(caller, callbacks, plan).run(job, first).forEach(this::add);
            new SignatureChecks(caller, plan, clock).run(first).forEach(this::add);
            return List.copyOf(findings);
        }
    }

    private void skipTheRest(String why) {
        Arrays.stream(Row.values()).skip(findings.size()).forEach(row -> add(Finding.skip(row, why)));
    }

    private Finding add(Finding finding) {
        findings.add(finding);
        found.accept(finding);
        return finding;
    }
}
