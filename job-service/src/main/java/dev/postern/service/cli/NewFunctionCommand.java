package dev.postern.service.cli;

import dev.postern.service.scaffold.NewFunction;
import java.io.IOException;
import java.io.PrintWriter;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** Writes a module for a function. */
@Command(
        name = "new-function",
        description = {
            "Writes a working function in Java into functions/NAME of this checkout: module, class, test, Dockerfile, Knative"
                    + " manifest, and a README with what to do next.",
            ""
        },
        mixinStandardHelpOptions = true)
final class NewFunctionCommand implements Callable<Integer> {

    private final Context context;

    @Parameters(
            index = "0",
            paramLabel = "NAME",
            description = "Its name and task identifier: lower-case words with hyphens, such as greet-customer.")
    String name = "";

    @Spec
    @SuppressWarnings("NullAway.Init") // picocli sets it before the command runs.
    CommandSpec spec;

    NewFunctionCommand(Context context) {
        this.context = context;
    }

    @Override
    public Integer call() throws IOException {
        PrintWriter out = spec.commandLine().getOut();
        new NewFunction(context.home(), name).write().forEach(file -> out.println("  " + file));
        out.println("and its line in pom.xml. Next: functions/" + name + "/README.md");
        out.flush();
        return 0;
    }
}
