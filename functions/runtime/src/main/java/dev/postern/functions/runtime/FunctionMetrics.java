package dev.postern.functions.runtime;

import io.micrometer.core.instrument.Tags;
import io.micrometer.core.instrument.Timer;
import io.micrometer.prometheusmetrics.PrometheusConfig;
import io.micrometer.prometheusmetrics.PrometheusMeterRegistry;
import java.util.concurrent.TimeUnit;

/**
 * What a function counts; docs/functions.md lists it. Labels are bounded: the function's name, statuses, reports; never
 * a job or a tenant. Any thread.
 */
final class FunctionMetrics {

    private final PrometheusMeterRegistry registry = new PrometheusMeterRegistry(PrometheusConfig.DEFAULT);
    private final String function;

    FunctionMetrics(String function, RunningCalls running) {
        this.function = function;
        registry.gauge("postern.function.running", Tags.of("function", function), running, RunningCalls::size);
    }

    /** A call gets its answer; {@code nanos} after its last byte had come. */
    void answered(int status, long nanos) {
        Timer.builder("postern.function.answer")
                .description("From a call's last byte to its answer")
                .tags("function", function, "status", Integer.toString(status))
                .publishPercentileHistogram()
                .register(registry)
                .record(nanos, TimeUnit.NANOSECONDS);
    }

    /** Work that was accepted with 202 has come to its end. */
    void ended(String outcome, long nanos) {
        Timer.builder("postern.function.accepted")
                .description("From a call's last byte to the end of the work behind its 202")
                .tags("function", function, "outcome", outcome)
                .register(registry)
                .record(nanos, TimeUnit.NANOSECONDS);
    }

    /** A report was sent to the callback server. */
    void reported(String report, CallbackAnswer answer) {
        String how = switch (answer) {
            case CallbackAnswer.Heard heard -> "heard";
            case CallbackAnswer.Refused refused -> "refused";
            case CallbackAnswer.Unheard unheard -> "unheard";
        };
        registry.counter("postern.function.reports", "function", function, "report", report, "answer", how)
                .increment();
    }

    /** The text of {@code /metrics}. */
    String scrape() {
        return registry.scrape();
    }
}
