package dev.postern.service.cli;

import dev.postern.service.client.ApiFailure;
import dev.postern.service.config.ConfigException;
import dev.postern.service.config.Setting;
import dev.postern.service.local.LocalException;
import dev.postern.sql.SchemaException;
import dev.postern.sql.StoreException;
import java.io.PrintWriter;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.Callable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** The command line's root: help, and the one place where failures become a line and an exit code. */
@Command(
        name = "postern",
        mixinStandardHelpOptions = true,
        synopsisSubcommandLabel = "COMMAND",
        description = {
            "Turns a row in PostgreSQL into an HTTP call that is certain to be made, and reports how it ended.",
            ""
        },
        footer = {
            "",
            "Settings are environment variables: './postern settings' lists them.",
            "In a checkout, './postern chaos' breaks a system of its own and judges what is left (--help for more),",
            "'./postern bench' measures how fast one is (docs/performance.md), './postern image' builds the images",
            "(docs/deploy.md)."
        },
        subcommands = {CommandLine.HelpCommand.class})
public final class Postern implements Runnable {

    /** Commands that speak for themselves; their log shows errors only. */
    public static final Set<String> QUIET = Set.of(
            "demo",
            "add",
            "cancel",
            "status",
            "jobs",
            "pause",
            "resume",
            "schedules",
            "dead-letters",
            "replay",
            "purge",
            "token",
            "check-function",
            "new-function",
            "settings",
            "help");

    @Spec
    @SuppressWarnings("NullAway.Init") // picocli sets it before the command runs.
    CommandSpec spec;

    /**
     * Runs a command line.
     *
     * @return 0 done, 1 failed, 2 misused; of commands that ask the API also 5 unknown, 6 refused, 7 away, and of
     *     {@code jobs watch} 3 and 4 for a job that failed or was cancelled
     */
    public static int run(Map<String, String> environment, String... arguments) {
        Context context = new Context(Map.copyOf(environment));
        CommandLine line = new CommandLine(new Postern())
                .addSubcommand(new UpCommand(context))
                .addSubcommand(new DemoCommand(context))
                .addSubcommand(new AddCommand(context))
                .addSubcommand(new CancelCommand(context))
                .addSubcommand(new StatusCommand(context))
                .addSubcommand(new CommandLine(new JobsCommand(context)).addSubcommand(new WatchCommand(context)))
                .addSubcommand(new PauseCommand(context))
                .addSubcommand(new ResumeCommand(context))
                .addSubcommand(new SchedulesCommand(context))
                .addSubcommand(new DeadLettersCommand(context))
                .addSubcommand(new ReplayCommand(context))
                .addSubcommand(new PurgeCommand(context))
                .addSubcommand(new TokenCommand(context))
                .addSubcommand(new CheckFunctionCommand(context))
                .addSubcommand(new NewFunctionCommand(context))
                .addSubcommand(new MigrateCommand(context))
                .addSubcommand(new ServeCommand(context))
                .addSubcommand(new SettingsCommand());
        line.setExecutionExceptionHandler((failure, failed, parsed) -> {
            PrintWriter err = failed.getErr();
            err.println("postern: " + message(failure));
            if (failure instanceof ApiFailure api) {
                return api.kind().exitCode();
            }
            return failure instanceof ConfigException ? 2 : 1;
        });
        return line.execute(arguments);
    }

    private static String message(Exception failure) {
        boolean expected = failure instanceof ApiFailure
                || failure instanceof ConfigException
                || failure instanceof LocalException
                || failure instanceof SchemaException
                || failure instanceof StoreException
                || failure instanceof IllegalStateException
                || failure instanceof IllegalArgumentException;
        return expected && failure.getMessage() != null ? failure.getMessage() : failure.toString();
    }

    @Override
    public void run() {
        spec.commandLine().usage(spec.commandLine().getOut());
    }

    /** Lists the settings. */
    @Command(name = "settings", description = "Lists the environment variables that Postern reads.")
    static final class SettingsCommand implements Callable<Integer> {

        @Option(names = "--markdown", description = "As the page docs/configuration.md.")
        boolean markdown;

        @Spec
        @SuppressWarnings("NullAway.Init") // picocli sets it before the command runs.
        CommandSpec spec;

        @Override
        public Integer call() {
            PrintWriter out = spec.commandLine().getOut();
            if (markdown) {
                out.print(Setting.markdown());
            } else {
                for (Setting setting : Setting.ALL) {
                    out.println(setting.name() + "  (" + setting.fallback() + ")");
                    out.println("    " + setting.meaning());
                }
            }
            out.flush();
            return 0;
        }
    }
}
