package dev.postern.bench;

import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Pattern;

/**
 * What keeping finished jobs costs. There is no setting that keeps none, so in the run's own database the function that
 * ends attempts loses its insert into the history, turn and turn about.
 */
final class HistoryPart implements Part {

    private static final String SECTION = "history";

    /** The part of the statement that writes the history, up to the next one. */
    private static final Pattern ARCHIVED =
            Pattern.compile(",\\s*archived as \\(\\s*insert into .*?from completed c\\s*\\)", Pattern.DOTALL);

    private final Postern ours;

    HistoryPart(Postern ours) {
        this.ours = ours;
    }

    @Override
    public String name() {
        return SECTION;
    }

    @Override
    public void run(Lab lab, Size size, Figures figures) throws InterruptedException {
        Database database = ours.prepare();
        List<Double> on = new ArrayList<>();
        List<Double> off = new ArrayList<>();
        try (Child worker = ours.start(database)) {
            String keeps = definition(database);
            String keepsNot = without(keeps);
            Drain drain = new Drain(lab, ours, database, List.of(worker));
            drain.all(size.warmUp());
            for (int turn = 1; turn <= size.repeats(); turn++) {
                lab.progress().say("turn " + turn + " of " + size.repeats());
                database.execute(keeps);
                on.add(drain.all(size.backlog()).jobsPerSecond());
                database.execute(keepsNot);
                off.add(drain.all(size.backlog()).jobsPerSecond());
            }
        } finally {
            lab.postgres().drop(database);
        }
        figures.add(SECTION, "Postern, history on", "jobs/s", new Series(on));
        figures.add(SECTION, "Postern, history off", "jobs/s", new Series(off));
        figures.add(SECTION, "on / off", "×", new Series(on).over(new Series(off)), Target.atLeast(0.75));
    }

    static String without(String definition) {
        String changed = ARCHIVED.matcher(definition).replaceFirst("");
        if (changed.equals(definition)) {
            throw new BenchException("finish_jobs writes the history in another way than this benchmark knows");
        }
        return changed;
    }

    private static String definition(Database database) {
        try (Connection connection = database.connect();
                Statement statement = connection.createStatement();
                ResultSet row = statement.executeQuery("select pg_get_functiondef(p.oid) from pg_proc p"
                        + " where p.pronamespace = 'app_jobs'::regnamespace and p.proname = 'finish_jobs'")) {
            row.next();
            String definition = row.getString(1);
            if (row.next()) {
                throw new BenchException("there are several finish_jobs; which one the worker calls is not known here");
            }
            return definition;
        } catch (SQLException e) {
            throw new BenchException("cannot read finish_jobs: " + e.getMessage(), e);
        }
    }
}
