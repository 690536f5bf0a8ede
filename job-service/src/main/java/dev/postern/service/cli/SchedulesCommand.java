package dev.postern.service.cli;

import dev.postern.scheduler.BadRuleException;
import dev.postern.scheduler.CronCalendar;
import dev.postern.service.client.ApiClient;
import dev.postern.sql.ScheduleDirectory;
import dev.postern.sql.ScheduleDirectory.Listed;
import io.vertx.core.json.Json;
import io.vertx.core.json.JsonArray;
import io.vertx.core.json.JsonObject;
import java.io.PrintWriter;
import java.time.Instant;
import java.time.ZoneOffset;
import java.time.ZonedDateTime;
import java.time.format.DateTimeFormatter;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.UUID;
import java.util.concurrent.Callable;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** Lists schedules with their next ticks; its subcommands pause, resume, run and delete one. */
@Command(
        name = "schedules",
        description = {
            "Lists schedules with their next ticks in the zone of each.",
            "Ids are those of the list; a job that a schedule makes is a job like any other.",
            "Of the database, or with --api or POSTERN_API_URL those of the HTTP API's caller."
        },
        mixinStandardHelpOptions = true)
final class SchedulesCommand implements Callable<Integer> {

    private static final DateTimeFormatter TICK =
            DateTimeFormatter.ofPattern("EEE yyyy-MM-dd HH:mm:ss xxx", Locale.ROOT);

    private final Context context;
    private final CronCalendar calendar = new CronCalendar();

    @Mixin
    ApiOptions api = new ApiOptions();

    @Option(names = "--id", paramLabel = "ID", description = "Only this schedule; may be repeated.")
    List<Long> ids = List.of();

    @Option(names = "--tenant", paramLabel = "UUID", description = "Only schedules of this tenant.")
    @Nullable
    UUID tenant;

    @Option(names = "--task", paramLabel = "TASK", description = "Only schedules of this task.")
    @Nullable
    String task;

    @Option(
            names = "--next",
            paramLabel = "N",
            defaultValue = "10",
            description = "How many ticks of each; ${DEFAULT-VALUE} if left out.")
    int next = 10;

    @Option(
            names = "--limit",
            paramLabel = "N",
            defaultValue = "100",
            description = "How many schedules at most; ${DEFAULT-VALUE} if left out.")
    int limit = 100;

    @Option(names = "--json", description = "All of each, a JSON object a line.")
    boolean json;

    @Spec
    @SuppressWarnings("NullAway.Init") // picocli sets it before the command runs.
    CommandSpec spec;

    SchedulesCommand(Context context) {
        this.context = context;
    }

    @Override
    public Integer call() {
        if (limit < 1 || next < 0 || next > 1000) {
            spec.commandLine().getErr().println("postern: --limit must be at least 1, --next from 0 to 1000");
            return 2;
        }
        PrintWriter out = spec.commandLine().getOut();
        // One more than is shown, to know whether there are more.
        List<Listed> found = with(null, schedules -> schedules.list(tenant, task, ids, limit + 1));
        if (found.isEmpty() && !json) {
            out.println("no schedules");
        }
        for (Listed schedule : found.subList(0, Math.min(limit, found.size()))) {
            if (json) {
                out.println(object(schedule).encode());
            } else {
                print(schedule, out);
            }
        }
        if (found.size() > limit && !json) {
            out.println("and more; --limit shows them");
        }
        out.flush();
        return 0;
    }

    private <T> T with(@Nullable String by, Function<Schedules, T> work) {
        if (!api.chosen(context)) {
            return context.withPool(
                    "postern schedules",
                    (database, pool) ->
                            work.apply(new Schedules.OfDatabase(new ScheduleDirectory(pool, database.schema()))));
        }
        try (ApiClient client = api.open(context, tenant, by)) {
            return work.apply(new ApiSchedules(client, Context.clock()));
        }
    }

    private void print(Listed schedule, PrintWriter out) {
        out.println("schedule " + schedule.id() + "  " + schedule.task() + "  " + state(schedule));
        out.println("    rule    " + schedule.rule().replaceAll("\\s+", " "));
        out.println("    tenant  " + schedule.databaseId() + (schedule.key() == null ? "" : ", key " + schedule.key()));
        out.println("    missed  " + schedule.missedTicks()
                + (schedule.missedTicks().equals("all") ? " (at most " + schedule.missedTicksMax() + ")" : "")
                + ", overlap " + schedule.overlap()
                + (schedule.jitterSeconds() == 0 ? "" : ", jitter " + schedule.jitterSeconds() + " s"));
        if (schedule.lastJobId() != null && schedule.lastMadeAt() != null) {
            out.println("    last    job " + schedule.lastJobId() + " at " + seconds(schedule.lastMadeAt()));
        }
        List<ZonedDateTime> ticks = ticks(schedule);
        for (int n = 0; n < ticks.size(); n++) {
            ZonedDateTime tick = ticks.get(n);
            out.println((n == 0 ? "    next    " : "            ") + TICK.format(tick) + "  "
                    + (tick.getZone().equals(ZoneOffset.UTC) ? "UTC" : tick.getZone()));
        }
    }

    private static String state(Listed schedule) {
        return switch (schedule.state()) {
            case "paused" ->
                "paused by " + schedule.pausedBy()
                        + (schedule.pausedAt() == null ? "" : " since " + seconds(schedule.pausedAt()));
            case "parked" -> "parked: " + schedule.lastError();
            case "new" -> "new, to be planned by a scheduler";
            default -> {
                Instant tick = schedule.nextTick();
                yield tick != null && tick.isBefore(schedule.now())
                        ? schedule.state() + ", overdue since " + seconds(tick)
                        : schedule.state();
            }
        };
    }

    private List<ZonedDateTime> ticks(Listed schedule) {
        if (schedule.state().equals("parked")) {
            return List.of();
        }
        try {
            return calendar.next(schedule.rule(), schedule.now(), next);
        } catch (BadRuleException e) {
            // New, or edited while paused: no scheduler has seen it yet, and will park it.
            spec.commandLine().getErr().println("postern: schedule " + schedule.id() + ": " + e.getMessage());
            return List.of();
        }
    }

    private JsonObject object(Listed schedule) {
        return new JsonObject()
                .put("id", schedule.id())
                .put("database_id", schedule.databaseId().toString())
                .put("task", schedule.task())
                .put("key", schedule.key())
                .put("state", schedule.state())
                .put("schedule_info", Json.decodeValue(schedule.rule()))
                .put("next_tick_at", text(schedule.nextTick()))
                .put(
                        "next",
                        new JsonArray(new ArrayList<>(ticks(schedule).stream()
                                .map(tick -> tick.toOffsetDateTime().toString())
                                .toList())))
                .put("missed_ticks", schedule.missedTicks())
                .put("missed_ticks_max", schedule.missedTicksMax())
                .put("overlap", schedule.overlap())
                .put("jitter_seconds", schedule.jitterSeconds())
                .put("paused_at", text(schedule.pausedAt()))
                .put("paused_by", schedule.pausedBy())
                .put("last_scheduled", text(schedule.lastMadeAt()))
                .put("last_scheduled_id", schedule.lastJobId())
                .put("last_error", schedule.lastError());
    }

    private static @Nullable String text(@Nullable Instant time) {
        return time == null ? null : time.toString();
    }

    private static String seconds(Instant time) {
        return time.truncatedTo(ChronoUnit.SECONDS).toString();
    }

    @Command(name = "pause", description = "Rests a schedule until it is resumed; its moments until then are no ticks.")
    int pause(
            @Parameters(paramLabel = "ID", description = "The schedule.") long id,
            @Option(names = "--by", paramLabel = "NAME", description = "Who does it; $USER if left out.") @Nullable
                    String by) {
        String name = by == null ? context.environment().getOrDefault("USER", "") : by;
        return act(id, by, schedules -> schedules.pause(id, name).map(now -> named(now) + " is " + state(now)));
    }

    @Command(name = "resume", description = "Ends a schedule's pause; it is planned from now on.")
    int resume(@Parameters(paramLabel = "ID", description = "The schedule.") long id) {
        return act(id, null, schedules -> schedules.resume(id).map(now -> named(now) + " is " + state(now)));
    }

    @Command(name = "run", description = "Makes a job of a schedule now, beside its ticks, paused or not.")
    int run(
            @Parameters(paramLabel = "ID", description = "The schedule.") long id,
            @Option(names = "--overlap", description = "Also while its last job has not ended.") boolean overlap) {
        return act(id, null, schedules -> schedules.run(id, overlap).map(job -> "schedule " + id + " made job " + job));
    }

    @Command(name = "delete", description = "Deletes a schedule; jobs that it has made stay.")
    int delete(@Parameters(paramLabel = "ID", description = "The schedule.") long id) {
        return act(id, null, schedules -> schedules.delete(id).map(gone -> named(gone) + " is deleted"));
    }

    private static String named(Listed schedule) {
        return "schedule " + schedule.id() + " (" + schedule.task() + ")";
    }

    private int act(long id, @Nullable String by, Function<Schedules, Optional<String>> act) {
        PrintWriter out = spec.commandLine().getOut();
        Optional<String> done = with(by, act);
        out.println(done.orElse("schedule " + id + " is unknown; './postern schedules' lists them"));
        out.flush();
        return done.isPresent() ? 0 : 1;
    }
}
