package dev.postern.service.cli;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.postern.functions.protocol.SigningKeys;
import dev.postern.service.check.CheckPlan;
import dev.postern.service.check.Finding;
import dev.postern.service.check.Finding.Verdict;
import dev.postern.service.check.FunctionCheck;
import java.io.IOException;
import java.io.PrintWriter;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Locale;
import java.util.UUID;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** Plays the contract against a function and prints what it gets right and wrong. */
@Command(
        name = "check-function",
        description = {
            "Plays the HTTP contract of docs/protocol.md against a function, in any language, and prints what it gets right"
                    + " and wrong. It needs no database.",
            "It calls the function some thirty times, with real effects: let it run dry.",
            ""
        },
        footer = {
            "",
            "Exit code 0 when no row failed, 1 when one did. With POSTERN_SIGNING_SECRET set, calls are signed and the"
                    + " function must refuse others. How a process ends (SIGTERM, drain) cannot be seen from outside."
        },
        mixinStandardHelpOptions = true)
final class CheckFunctionCommand implements Callable<Integer> {

    private final Context context;

    @Parameters(
            index = "0",
            paramLabel = "URL",
            description = "The function's own URL, such as http://127.0.0.1:8080/hello.")
    URI url = URI.create("about:blank");

    @Option(names = "--task", description = "What X-Job-Task says; the URL's last segment if left out.")
    @Nullable
    String task;

    @Option(
            names = "--payload",
            paramLabel = "FILE",
            description = "A payload that it takes; {} if left out, - is the standard input.")
    @Nullable
    String payload;

    @Option(
            names = "--database-id",
            defaultValue = "00000000-0000-0000-0000-000000000001",
            description = "The tenant; ${DEFAULT-VALUE} if left out.")
    UUID databaseId = new UUID(0, 1);

    @Option(
            names = "--timeout",
            paramLabel = "SECONDS",
            defaultValue = "30",
            description = "How long an answer or a report may take; ${DEFAULT-VALUE} if left out.")
    int timeout = 30;

    @Option(
            names = "--quiet",
            paramLabel = "SECONDS",
            defaultValue = "3",
            description = "How long to listen for a report that must not come; ${DEFAULT-VALUE} if left out.")
    int quiet = 3;

    @Option(
            names = "--callback-host",
            paramLabel = "ADDRESS",
            defaultValue = "127.0.0.1",
            description = "The address of this machine that reports are sent to; ${DEFAULT-VALUE} if left out.")
    String callbackHost = "127.0.0.1";

    @Option(names = "--json", description = "As one JSON object.")
    boolean json;

    @Spec
    @SuppressWarnings("NullAway.Init") // picocli sets it before the command runs.
    CommandSpec spec;

    CheckFunctionCommand(Context context) {
        this.context = context;
    }

    @Override
    public Integer call() throws IOException, InterruptedException {
        PrintWriter out = spec.commandLine().getOut();
        FunctionCheck check = new FunctionCheck(plan(), Context.clock(), finding -> {
            if (!json) {
                print(out, finding);
            }
        });
        List<Finding> findings = check.run();
        long failed = count(findings, Verdict.FAIL);
        if (json) {
            printJson(out, findings, failed == 0);
        } else {
            out.println();
            out.println(
                    failed == 0
                            ? "Keeps the contract: " + count(findings, Verdict.PASS) + " rows right, "
                                    + count(findings, Verdict.WARN) + " to look at."
                            : "Breaks the contract in " + failed + (failed == 1 ? " row." : " rows."));
        }
        out.flush();
        return failed == 0 ? 0 : 1;
    }

    private CheckPlan plan() throws IOException {
        try {
            return new CheckPlan(
                    url,
                    task == null ? lastSegment(url) : task,
                    databaseId,
                    payload(),
                    SigningKeys.parse(context.environment().getOrDefault("POSTERN_SIGNING_SECRET", "")),
                    callbackHost,
                    Duration.ofSeconds(timeout),
                    Duration.ofSeconds(quiet));
        } catch (IllegalArgumentException e) {
            throw new ParameterException(spec.commandLine(), String.valueOf(e.getMessage()), e);
        }
    }

    private String payload() throws IOException {
        if (payload == null) {
            return "{}";
        }
        return payload.equals("-")
                ? new String(System.in.readAllBytes(), StandardCharsets.UTF_8)
                : Files.readString(Path.of(payload));
    }

    private static String lastSegment(URI url) {
        String path = url.getPath() == null ? "" : url.getPath().replaceAll("/+$", "");
        String last = path.substring(path.lastIndexOf('/') + 1);
        return last.isEmpty() ? "check" : last;
    }

    private static void print(PrintWriter out, Finding finding) {
        String verdict = finding.verdict().name().toLowerCase(Locale.ROOT);
        out.printf(
                "%-5s %-17s %s%n", verdict, finding.row().label(), finding.row().rule());
        out.printf("%-5s %-17s   %s%n", "", "", finding.says());
        out.flush();
    }

    private void printJson(PrintWriter out, List<Finding> findings, boolean conforms) throws IOException {
        ObjectMapper mapper = new ObjectMapper();
        ObjectNode report = mapper.createObjectNode().put("url", url.toString()).put("conforms", conforms);
        ArrayNode rows = report.putArray("rows");
        for (Finding finding : findings) {
            rows.addObject()
                    .put("row", finding.row().label())
                    .put("rule", finding.row().rule())
                    .put("verdict", finding.verdict().name().toLowerCase(Locale.ROOT))
                    .put("says", finding.says());
        }
        out.println(mapper.writerWithDefaultPrettyPrinter().writeValueAsString(report));
    }

    private static long count(List<Finding> findings, Verdict verdict) {
        return findings.stream().filter(finding -> finding.verdict() == verdict).count();
    }
}
